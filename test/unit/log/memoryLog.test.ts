import { MemoryLog } from '../../../src/log/memory/memoryLog.ts';
import { logSuite } from '../../support/logSuite.ts';

logSuite('the memory log', () => new MemoryLog());
