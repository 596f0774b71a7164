import { lookup, resolveNaptr, resolveSrv } from 'node:dns/promises'
import type { DnsResolver } from '../signalling.ts'

/** What the host asks: its name servers for records, and its own files too for addresses. */
export const systemResolver: DnsResolver = {
  resolveNaptr,
  resolveSrv,
  lookup: host => lookup(host, { all: true, order: 'verbatim' }),
}
