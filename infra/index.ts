/** What `pulumi up` runs. */
import { sentryStack } from './program.ts';
import { stackSettings } from './settings.ts';

export const { projectUrl, dsn } = sentryStack(stackSettings());
