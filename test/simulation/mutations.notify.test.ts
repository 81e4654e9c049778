import { describeCaught } from './caught.ts';

describeCaught('notify');
