import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { generatedPages } from '../../../src/commands/docs.ts';
import { errorText, exitCodeOf } from '../../../src/commands/exitCodes.ts';
import { tidemarkProgram } from '../../../src/commands/program.ts';
import { ConfigError, DependencyError, InputError, InvariantError } from '../../../src/core/errors.ts';
import { runCommand } from '../../support/runCommand.ts';
import { startCommand } from '../../support/workerProcess.ts';

const silent = { env: {}, directory: '.', stdout: () => {}, stderr: () => {}, exitWith: () => {} };
const commands = tidemarkProgram(silent).commands.map((command) => command.name());

describe('exit codes', () => {
  it.each([
    [new ConfigError('key'), 2],
    [new DependencyError('broker'), 3],
    [new InputError('line'), 4],
    [new InvariantError('never'), 1],
    [new TypeError('bug'), 1],
    [new CommanderError(1, 'commander.unknownOption', 'x'), 2],
    [new CommanderError(0, 'commander.helpDisplayed', 'x'), 0],
  ])('%s ends with %i', (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });

  it('come with the message of an expected error and the stack of an unexpected one', () => {
    expect(errorText(new ConfigError('window.hop: is 0'))).toBe('tidemark: window.hop: is 0\n');
    expect(errorText(new TypeError('bug'))).toContain('program.test.ts');
  });
});

describe('the command line', () => {
  it('names every command and the exit codes in its help, and ends with 0', async () => {
    const { code, out } = await runCommand(['--help']);
    expect(code).toBe(0);
    for (const command of commands) expect(out).toContain(`  ${command}`);
    expect(out).toContain('Exit codes:');
  });

  it.each(commands)('%s --help has an example', async (command) => {
    const { code, out } = await runCommand([command, '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Examples?:\\n(  .*\\n)*  tidemark ${command}`));
  });

  it.each([
    [['topcs'], /Did you mean topics\?/],
    [['topics', '--prnit'], /Did you mean --print\?/],
    [['topics', '--print', '--set', 'window.hop=7m'], /window\.hop: is 7m, must divide an hour/],
    [['topics', '--print', '--config', 'nowhere.yaml'], /nowhere\.yaml cannot be read/],
    [['inbox', '--port', '65536'], /must be a whole number from 0 to 65535/],
    [['inbox', '--port', 'http'], /must be a whole number from 0 to 65535/],
  ])('%j is wrong usage: exit code 2 and what to do', async (args, words) => {
    const { code, out, err } = await runCommand(args);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(words);
  });

  it('warns of variables that mean nothing', async () => {
    const { code, err } = await runCommand(['topics', '--print'], { TIDEMARK_KAFKA_GRUOP: 'x' });
    expect(code).toBe(0);
    expect(err).toContain('TIDEMARK_KAFKA_GRUOP');
  });

  it('prints the version of the package', async () => {
    const { out } = await runCommand(['--version']);
    expect(out.trim()).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version);
  });

  it('runs as a program of its own, with the same codes', () => {
    expect(execFileSync(process.execPath, ['src/cli.ts', 'topics', '--print'], { encoding: 'utf8' })).toContain('tidemark.partials');
    expect(spawnSync(process.execPath, ['src/cli.ts', 'topcs']).status).toBe(2);
  });

  it('does not mind a reader that stops reading', async () => {
    const { process: child, err, ended } = startCommand(['topics', '--print']);
    child.stdout?.destroy();
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(err()).toBe('');
  });
});

describe('the generated pages', () => {
  it.each([...generatedPages(tidemarkProgram(silent))])('docs/%s is that of the code (npm run docs)', (name, page) => {
    expect(readFileSync(`docs/${name}`, 'utf8')).toBe(page);
  });
});
