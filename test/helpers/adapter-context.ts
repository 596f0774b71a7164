/** What an adapter is given, without a gateway around it. */
import type { Access, AdapterContext, Logger } from '../../src/adapters/adapter.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createRegistry } from '../../src/core/registry.ts'
import { createScope } from '../../src/core/scope.ts'

export interface TestContext extends AdapterContext {
  /** Everything logged, one line each: "warn message {fields}". */
  readonly logged: string[]
  readonly asked: Access[]
  close(): Promise<void>
}

const createLog = (lines: string[], bindings: object = {}): Logger => {
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push(`${level} ${message} ${JSON.stringify({ ...bindings, ...fields })}`)
  return {
    child: more => createLog(lines, { ...bindings, ...more }),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
}

export const createTestContext = (authorize?: (access: Access) => Promise<void>): TestContext => {
  const scope = createScope('test')
  const logged: string[] = []
  const asked: Access[] = []
  const log = createLog(logged)
  const registry = createRegistry({ clock: systemClock, transcoders: [], log, freeze: true })
  return {
    registry,
    scope,
    clock: systemClock,
    log,
    http: {
      route: () => {
        throw new Error('no HTTP in this test')
      },
    },
    authorize: async access => {
      asked.push(access)
      await authorize?.(access)
    },
    logged,
    asked,
    close: async () => {
      await scope.close({ code: 'shutdown' })
      await registry.close({ code: 'shutdown' })
    },
  }
}
