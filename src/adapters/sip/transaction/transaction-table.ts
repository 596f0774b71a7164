import type { SipRequest, SipResponse } from '../message/types.ts'
import type { Flow } from '../transport/flow.ts'
import type { ClientTransaction } from './client-transaction.ts'
import { InviteServerTransaction } from './invite-server.ts'
import { clientKey, mergeKey, serverKey } from './keys.ts'
import type { NonInviteServerTransaction } from './non-invite-server.ts'

export type ServerTransaction = InviteServerTransaction | NonInviteServerTransaction

/** Every transaction there is, bounded both ways. */
export class TransactionTable {
  readonly #maxServer: number
  readonly #maxClient: number
  readonly #clients = new Map<string, ClientTransaction>()
  readonly #servers = new Map<string, ServerTransaction>()
  /** Of requests outside a call: merge key to server key. */
  readonly #merges = new Map<string, string>()

  constructor(maxServer: number, maxClient: number) {
    this.#maxServer = maxServer
    this.#maxClient = maxClient
  }

  get clients(): number {
    return this.#clients.size
  }
  get servers(): number {
    return this.#servers.size
  }
  get serverFull(): boolean {
    return this.#servers.size >= this.#maxServer
  }
  get clientFull(): boolean {
    return this.#clients.size >= this.#maxClient
  }

  addClient(branch: string, method: string, transaction: ClientTransaction): void {
    if (transaction.state !== 'terminated') this.#clients.set(clientKey(branch, method), transaction)
  }
  removeClient(branch: string, method: string): void {
    this.#clients.delete(clientKey(branch, method))
  }
  clientOf(response: SipResponse): ClientTransaction | undefined {
    return this.#clients.get(clientKey(response.via?.params.get('branch') ?? '', response.method))
  }

  addServer(request: SipRequest, transaction: ServerTransaction): void {
    const key = serverKey(request)
    this.#servers.set(key, transaction)
    if (!request.to.params.has('tag')) this.#merges.set(mergeKey(request), key)
  }
  removeServer(request: SipRequest): void {
    this.#servers.delete(serverKey(request))
    if (!request.to.params.has('tag')) this.#merges.delete(mergeKey(request))
  }
  serverOf(request: SipRequest): ServerTransaction | undefined {
    return this.#servers.get(serverKey(request))
  }
  /** The INVITE that an ACK or CANCEL belongs to. */
  inviteOf(request: SipRequest): InviteServerTransaction | undefined {
    const transaction = this.#servers.get(serverKey(request, 'INVITE'))
    return transaction instanceof InviteServerTransaction ? transaction : undefined
  }
  /** Whether this is another copy of a request that is being served. */
  isMerged(request: SipRequest): boolean {
    return this.#merges.has(mergeKey(request))
  }

  /** A connection is gone. */
  fail(flow: Flow, reason: string): void {
    for (const transaction of [...this.#clients.values()]) {
      if (transaction.flow === flow) transaction.fail(reason)
    }
  }

  clear(): void {
    for (const transaction of [...this.#clients.values(), ...this.#servers.values()]) transaction.dispose()
  }
}
