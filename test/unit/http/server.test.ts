import { afterEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/core/errors.ts';
import { metrics as definitions } from '../../../src/core/metricNames.ts';
import { prometheusMetrics } from '../../../src/http/registry.ts';
import { type HealthState, type HttpServer, startHttp } from '../../../src/http/server.ts';

const open: HttpServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

const fine: HealthState = { ok: true, checks: {} };

async function start(ready: () => HealthState = () => fine, metrics = prometheusMetrics()): Promise<string> {
  const server = await startHttp({ host: '127.0.0.1', port: 0, metrics, health: { live: () => fine, ready } });
  open.push(server);
  return server.url;
}

describe('health', () => {
  it('is 200 while all is well and 503 with the reason while it is not', async () => {
    const url = await start(() => ({ ok: false, checks: { kafka: 'no broker answers' } }));
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toEqual({ ok: false, checks: { kafka: 'no broker answers' } });
  });

  it('of a process whose check throws is 500, and the process lives on', async () => {
    const url = await start(() => {
      throw new Error('broken check');
    });
    expect((await fetch(`${url}/readyz`)).status).toBe(500);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

describe('metrics', () => {
  it('show what was counted, set and observed', async () => {
    const metrics = prometheusMetrics();
    metrics.count('tidemark_records_read_total', { topic: 'scored', role: 'predictions' }, 41);
    metrics.count('tidemark_records_read_total', { topic: 'scored', role: 'predictions' });
    metrics.set('tidemark_watermark_lag_seconds', { topic: 'scored', partition: 3 }, 12.5);
    metrics.observe('tidemark_decision_lag_seconds', { clock: 'data' }, 0.2);
    const response = await fetch(`${await start(undefined, metrics)}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    const lines = (await response.text()).split('\n');
    expect(lines).toContain('tidemark_records_read_total{topic="scored",role="predictions"} 42');
    expect(lines).toContain('tidemark_watermark_lag_seconds{topic="scored",partition="3"} 12.5');
    expect(lines).toContain('tidemark_decision_lag_seconds_bucket{le="0.5",clock="data"} 1');
  });

  it('are all those of the list', async () => {
    const { text } = await prometheusMetrics().expose();
    for (const [name, { kind, help }] of Object.entries(definitions)) {
      expect(text).toContain(`# HELP ${name} ${help}`);
      expect(text).toContain(`# TYPE ${name} ${kind}`);
    }
  });

  it('of two workers in one process do not meet', async () => {
    const [one, other] = [prometheusMetrics(), prometheusMetrics()];
    one.count('tidemark_partials_after_decision_total', {}, 7);
    expect((await one.expose()).text).toContain('tidemark_partials_after_decision_total 7');
    expect((await other.expose()).text).toContain('tidemark_partials_after_decision_total 0');
  });
});

describe('the server', () => {
  it('answers reads only, on the paths that it names', async () => {
    const url = await start();
    expect((await fetch(`${url}/healthz?probe=1`, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(`${url}/healthz`, { method: 'POST' })).status).toBe(405);
    const missing = await fetch(`${url}/metric`);
    expect(missing.status).toBe(404);
    expect(await missing.text()).toContain('/metrics');
  });

  it('says which setting to change where its port is taken', async () => {
    const port = Number(new URL(await start()).port);
    const second = startHttp({ host: '127.0.0.1', port, metrics: prometheusMetrics(), health: { live: () => fine, ready: () => fine } });
    await expect(second).rejects.toThrow(ConfigError);
    await expect(second).rejects.toThrow(/http\.port/);
  });

  it('takes no more requests once it is closed', async () => {
    const server = await startHttp({
      host: '127.0.0.1',
      port: 0,
      metrics: prometheusMetrics(),
      health: { live: () => fine, ready: () => fine },
    });
    await server.close();
    await expect(fetch(server.url)).rejects.toThrow();
  });
});
