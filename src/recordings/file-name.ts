/** Names of recordings that are made by themselves. Pure. */
const fields = /\{([^{}]*)\}/g
const known = ['stream', 'date', 'time']

export const isTemplate = (text: string): boolean =>
  text.toLowerCase().endsWith('.flv') &&
  text.includes('{time}') &&
  [...text.matchAll(fields)].every(([, name]) => known.includes(name!))

/** `{stream}/{date}T{time}Z.flv` → `live/cam/2026-11-20T22-10-05.123Z.flv`; `at` is the time in UTC. */
export const fileName = (template: string, stream: string, at: Date): string => {
  const [date = '', time = ''] = at.toISOString().slice(0, -1).split('T')
  const values: Readonly<Record<string, string>> = { stream, date, time: time.replaceAll(':', '-') }
  return template.replace(fields, (_all, name: string) => values[name] ?? '')
}
