import { describeCaught } from './caught.ts';

describeCaught('detect');
