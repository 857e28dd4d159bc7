// Loaded into the measured process before its program: writes again and again how it fares to PROBE_FILE. After
// SIGUSR2 it begins anew, so that what came before the measured stretch does not count.
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const WRITE_MS = 200;
const RESOLUTION_MS = 5;

const file = process.env.PROBE_FILE ?? '';
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
let peakRssBytes = 0;
let since = 0;

/** The histogram holds times from timer to timer, of which the timer's own is no delay. */
function delayMs(percentile) {
  return Math.max(0, delay.percentile(percentile) / 1e6 - RESOLUTION_MS);
}

function write() {
  const rssBytes = process.memoryUsage.rss();
  peakRssBytes = Math.max(peakRssBytes, rssBytes);
  const state = { since, rssBytes, peakRssBytes, delayP50Ms: delayMs(50), delayP99Ms: delayMs(99) };
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
}

process.on('SIGUSR2', () => {
  delay.reset();
  peakRssBytes = 0;
  since += 1;
  write();
});
setInterval(write, WRITE_MS).unref();
write();
