/** All commands by name, in the order of the help. */
import type { CommandEntry } from './command.ts'

const alone = 'Without a running gateway:'
const look = 'Look at a running gateway:'
const change = 'Tell a running gateway:'

export const commands: readonly CommandEntry[] = [
  { name: 'serve', summary: 'run the gateway', group: alone, load: () => import('./serve.ts') },
  {
    name: 'bridge',
    summary: 'carry one source to one or more destinations',
    group: alone,
    load: () => import('./bridge.ts'),
  },
  {
    name: 'demo',
    summary: 'a test picture with a tone, played in your browser',
    group: alone,
    load: () => import('./demo.ts'),
  },
  {
    name: 'probe',
    summary: 'what a source sends: tracks, rates, key frames',
    group: alone,
    load: () => import('./probe.ts'),
  },
  {
    name: 'doctor',
    summary: 'what is missing on this machine, and how to mend it',
    group: alone,
    load: () => import('./doctor.ts'),
  },
  {
    name: 'adapters',
    summary: 'what every protocol can carry',
    group: alone,
    load: () => import('./adapters.ts'),
  },
  {
    name: 'token',
    summary: 'sign a token that lets its holder publish, play or use the API',
    group: alone,
    load: () => import('./token.ts'),
  },
  {
    name: 'hooks',
    summary: 'try the webhooks and the access hook of a configuration',
    group: alone,
    load: () => import('./hooks.ts'),
  },
  {
    name: 'completion',
    summary: 'a script that completes commands and options in your shell',
    group: alone,
    load: () => import('./completion.ts'),
  },
  {
    name: 'config',
    summary: 'check a configuration, explain it, and what a change would do',
    group: alone,
    load: () => import('./config.ts'),
  },
  {
    name: 'sip',
    summary: 'what would happen to a phone call, and why',
    group: look,
    load: () => import('./sip.ts'),
  },
  { name: 'streams', summary: 'what is live', group: look, load: () => import('./streams.ts') },
  {
    name: 'inspect',
    summary: 'one stream: source → conversion → destination, with numbers',
    group: look,
    load: () => import('./inspect.ts'),
  },
  {
    name: 'bridges',
    summary: 'what is relayed and recorded',
    group: look,
    load: () => import('./bridges.ts'),
  },
  {
    name: 'calls',
    summary: 'phone calls: how they sound, hold, digits, transfer',
    group: look,
    load: () => import('./calls.ts'),
  },
  { name: 'events', summary: 'what happens, as it happens', group: look, load: () => import('./events.ts') },
  {
    name: 'top',
    summary: 'streams, readers and destinations, once a second',
    group: look,
    load: () => import('./top.ts'),
  },
  {
    name: 'play',
    summary: 'publish a file as a live stream',
    group: change,
    load: () => import('./play.ts'),
  },
  { name: 'record', summary: 'write a stream into a file', group: change, load: () => import('./record.ts') },
  {
    name: 'restream',
    summary: 'send a stream to other services',
    group: change,
    load: () => import('./restream.ts'),
  },
  {
    name: 'call',
    summary: 'call somebody: a phone hears a stream and becomes one',
    group: change,
    load: () => import('./call.ts'),
  },
  { name: 'hangup', summary: 'end calls', group: change, load: () => import('./hangup.ts') },
  { name: 'stop', summary: 'stop a bridge or a recording', group: change, load: () => import('./stop.ts') },
  { name: 'kick', summary: 'end a publisher, or one reader', group: change, load: () => import('./kick.ts') },
  {
    name: 'job',
    summary: 'recordings as MP4, cut, or a picture of them',
    group: change,
    load: () => import('./job.ts'),
  },
]
