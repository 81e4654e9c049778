import { describeCaught } from './caught.ts';

describeCaught('summarize');
