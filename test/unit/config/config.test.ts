import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Adapter } from '../../../src/adapters/adapter.ts'
import { mergeConfig, parseConfig, readConfigFile } from '../../../src/config/config.ts'

const door: Adapter<unknown> = {
  name: 'rtmp',
  schemes: ['rtmp'],
  ingests: [],
  egresses: [],
  config: z.strictObject({
    listen: z
      .strictObject({ host: z.string(), port: z.int().max(65_535) })
      .default({ host: '127.0.0.1', port: 1935 }),
    limits: z.strictObject({ connections: z.int().default(10) }).prefault({}),
  }),
}
const parse = (input: unknown) => parseConfig(input, [door])
const messageOf = (input: unknown): string => {
  try {
    parse(input)
  } catch (error) {
    return (error as Error).message
  }
  return 'no error'
}

describe('configuration', () => {
  test('nothing given: everything has its default', () => {
    const config = parse({})
    expect(config.http.listen).toEqual({ host: '127.0.0.1', port: 8080 })
    expect(config.recordings.directory).toBe('./recordings')
    expect(config.access).toEqual({
      publish: [{ streams: ['**'], from: ['loopback'] }],
      play: [{ streams: ['**'], from: ['any'] }],
      api: [{ streams: ['**'], from: ['loopback'], scope: 'write' }],
    })
    expect(config.adapters.get('rtmp')).toMatchObject({ listen: { port: 1935 } })
  })

  test.each([
    [{ rtpm: {} }, 'unknown key rtpm: did you mean rtmp?'],
    [{ rtmp: { lisen: ':1' } }, 'unknown key rtmp.lisen: did you mean listen?'],
    [{ rtmp: { listen: { host: 'a', prot: 1 } } }, 'unknown key rtmp.listen.prot: did you mean port?'],
    [
      { rtmp: { limits: { conections: 1 } } },
      'unknown key rtmp.limits.conections: did you mean connections?',
    ],
    [{ log: { colour: true } }, 'unknown key log.colour: known here are level, format'],
    [{ log: { level: 'loud' } }, 'log.level:'],
    [
      { access: { publish: ['10.0.0.0/33'] } },
      'access.publish.0.from.0: is not "loopback", "any", an IP address or a network',
    ],
    [{ http: { listen: '127.0.0.1' } }, 'http.listen: "127.0.0.1" is not HOST:PORT: the port is missing'],
    [{ http: { listen: 'a:70000' } }, 'port 70000 is above 65535'],
    [{ http: { listen: '::1:8080' } }, 'write an IPv6 address as [::1]:8080'],
    [[], 'it must hold sections'],
  ])('%j is refused by name', (input, sentence) => {
    expect(messageOf(input)).toContain(sentence)
  })

  test('every problem is named, not only the first', () => {
    const message = messageOf({ rtpm: {}, log: { leve: 'x' }, rtmp: { listen: { host: 'a', port: 'b' } } })
    expect(message).toMatch(/rtpm.*log\.leve.*rtmp\.listen\.port|rtpm.*rtmp\.listen\.port.*log\.leve/s)
  })

  test.each([
    ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
    [':1935', { host: '0.0.0.0', port: 1935 }],
    ['1935', { host: '0.0.0.0', port: 1935 }],
    ['[::1]:0', { host: '::1', port: 0 }],
    ['localhost:8080', { host: 'localhost', port: 8080 }],
  ])('an adapter may listen at %s', (listen, expected) => {
    expect(parse({ rtmp: { listen } }).adapters.get('rtmp')).toMatchObject({ listen: expected })
  })

  test('what a flag says wins over the file, key by key', () => {
    const file = { http: { listen: ':1', hosts: ['a'] }, rtmp: { maxConnections: 3 } }
    const merged = mergeConfig(file, { http: { listen: ':2' } })
    expect(merged).toEqual({ http: { listen: ':2', hosts: ['a'] }, rtmp: { maxConnections: 3 } })
  })
})

describe('configuration file', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'crosspoint-config-'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  const write = async (text: string): Promise<string> => {
    const path = join(folder, 'file.yaml')
    await writeFile(path, text)
    return path
  }

  test('YAML is read', async () => {
    const path = await write('http:\n  listen: 127.0.0.1:9000\naccess:\n  publish: any\n')
    const config = parse(await readConfigFile(path))
    expect(config.http.listen.port).toBe(9000)
    expect(config.access.publish).toEqual([{ streams: ['**'], from: ['any'] }])
  })
  test('an empty file is an empty configuration', async () => {
    expect(await readConfigFile(await write('# nothing yet\n'))).toEqual({})
  })
  test.each([
    ['a: [', /line 1/],
    ['- a\n', /sections/],
  ])('%j is refused', async (text, sentence) => {
    await expect(readConfigFile(await write(text))).rejects.toThrow(sentence)
  })
  test('a missing file is named', async () => {
    await expect(readConfigFile(join(folder, 'none.yaml'))).rejects.toThrow(
      /^The configuration is not valid: ENOENT: no such file or directory, open '.*none\.yaml'$/,
    )
  })
})
