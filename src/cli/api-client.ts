/** The HTTP API of a running gateway, for the commands that ask or tell one. */
import type { Command } from 'commander'
import { ERRORS, type ErrorCode, GatewayError } from '../errors.ts'
import { givenText } from './given-text.ts'

export interface ApiFlags {
  readonly gateway?: string
  readonly token?: string
  readonly json?: boolean
}

export interface Api {
  /** `http://127.0.0.1:8080`, without a slash at its end. */
  readonly base: string
  readonly token: string | undefined
  /** @throws GatewayError as the gateway gave it, or 'connect-failed' when none answers */
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: unknown): Promise<T>
  patch<T>(path: string, body: unknown): Promise<T>
  delete(path: string, body?: unknown): Promise<void>
  /** For answers that go on: events. */
  open(path: string, init?: RequestInit): Promise<Response>
}

const defaultUrl = 'http://127.0.0.1:8080'

export const addApiFlags = (command: Command): Command =>
  command
    .option('--gateway <url>', `where the gateway is, else CROSSPOINT_URL, else ${defaultUrl}`)
    .option(
      '--token <token>',
      'what lets you in, else CROSSPOINT_TOKEN; also env:NAME, file:PATH or - (stdin)',
    )

const readBase = (text: string): string => {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
    throw new GatewayError('bad-url', `--gateway is an http: or https: URL such as ${defaultUrl}`)
  return text.replace(/\/+$/, '')
}

interface Problem {
  readonly code?: unknown
  readonly detail?: unknown
}
const isCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(ERRORS, code)

/** What the gateway sent as problem details (RFC 9457) becomes the error that it was there. */
const readError = async (base: string, response: Response): Promise<GatewayError> => {
  const { code, detail } = (await response.json().catch(() => ({}))) as Problem
  if (!isCode(code))
    return new GatewayError('refused', `${base} answers ${response.status}: is it a gateway?`)
  const sentence = `${ERRORS[code][1]}: `
  return typeof detail === 'string' && detail.startsWith(sentence)
    ? new GatewayError(code, detail.slice(sentence.length))
    : new GatewayError(code)
}

const causeOf = (error: unknown): string => {
  const { cause } = error as { cause?: { code?: string; message?: string } }
  return cause?.code ?? cause?.message ?? (error as Error).message
}
/** Codes of OpenSSL, as Node.js names them, for a certificate that leads to no authority known here. */
const untrusted = /SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)/
const unreachable = (base: string, error: unknown): GatewayError => {
  const cause = causeOf(error)
  const words = untrusted.test(cause)
    ? `nobody known here has signed the certificate of ${base} (${cause}); NODE_EXTRA_CA_CERTS=FILE names one to trust`
    : `no gateway answers at ${base} (${cause}); "crosspoint serve" starts one, --gateway names another`
  return new GatewayError('connect-failed', words, { cause: error })
}

const readJson = async <T>(base: string, response: Response): Promise<T> => {
  try {
    return (await response.json()) as T
  } catch (error) {
    throw new GatewayError('refused', `${base} does not answer in JSON: is it a gateway?`, { cause: error })
  }
}

export const createApi = (flags: ApiFlags): Api => {
  const base = readBase(flags.gateway ?? process.env.CROSSPOINT_URL ?? defaultUrl)
  const given = flags.token ?? process.env.CROSSPOINT_TOKEN
  const token = given === undefined || given === '' ? undefined : givenText(given)
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }

  const open = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = { ...authorization, ...(init.headers as Record<string, string> | undefined) }
    const response = await fetch(base + path, { ...init, headers }).catch((error: unknown) => {
      throw init.signal?.aborted ? error : unreachable(base, error)
    })
    if (!response.ok) throw await readError(base, response)
    return response
  }
  const send = (method: string, path: string, body: unknown): Promise<Response> => {
    const headers = { 'content-type': 'application/json' }
    return open(path, { method, headers, body: JSON.stringify(body) })
  }
  return {
    base,
    token,
    open,
    get: async path => readJson(base, await open(path)),
    async post<T>(path: string, body: unknown): Promise<T> {
      const response = await send('POST', path, body)
      return response.status === 204 ? (undefined as T) : await readJson<T>(base, response)
    },
    patch: async (path, body) => readJson(base, await send('PATCH', path, body)),
    async delete(path, body = {}) {
      await send('DELETE', path, body)
    },
  }
}
