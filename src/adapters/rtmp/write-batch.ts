/** What one turn of the event loop writes to all sockets: one system call a socket, one call of the addon for all. */
import { loadNative } from '../../native/index.ts'
import { TCP_MESSAGES, type WriteTcp } from '../../native/types.ts'

/** A socket whose stream holds nothing back, so that its bytes may go to the kernel directly. */
export interface BatchTarget {
  readonly descriptor: number
  /** The messages of this batch that it gets, as bits. The batch's own. */
  chosen: number
  /** How many bytes they are. The batch's own. */
  waiting: number
  /** Asked when the batch goes out: a closed socket's descriptor may be another one's by then. */
  isWritable(): boolean
  /** What the kernel did not take goes through the stream. */
  spill(rest: readonly Uint8Array[]): void
}

const FIELDS = 3
/** Messages that may wait do so where they go to so many. */
const MANY = 32
/** Some more than they are told that it takes: what they wait for comes a little late now and then. */
const PATIENCE_MS = 30
let messages: Uint8Array[] = []
let targets: BatchTarget[] = []
let isUrgent = false
/** Whoever reads now has promised to end the turn. */
let isHeld = false
let endOfTurn: NodeJS.Immediate | undefined
let endOfPatience: NodeJS.Timeout | undefined
let writes = new Int32Array(FIELDS * 128)

const findCall = (): WriteTcp | undefined => {
  try {
    return loadNative().writeTcp
  } catch {
    return undefined // not built: RTMP goes without
  }
}
let call: { readonly writeTcp: WriteTcp | undefined } | undefined

/** false: there is no such call here, streams write. */
export const canBatch = (): boolean => {
  call ??= { writeTcp: findCall() }
  return call.writeTcp !== undefined
}

/** A full batch goes out. Call it before each `addToBatch`, and look then whether the stream holds anything back. */
export const makeRoom = (): void => {
  if (messages.length === TCP_MESSAGES) flushBatch()
}

/**
 * The message goes out at the end of this turn, behind those that the target was given before. One that may wait is
 * held, where that saves many system calls, until there is one that may not, or for 30 ms.
 */
export const addToBatch = (target: BatchTarget, message: Uint8Array, mayWait: boolean): void => {
  if (message !== messages[messages.length - 1]) begin(message, mayWait)
  if (target.chosen === 0) targets.push(target)
  target.chosen |= 1 << (messages.length - 1)
  target.waiting += message.length
}

/** What `read` writes leaves as soon as it is done. */
export const flushAfter = (read: (bytes: Uint8Array) => void, bytes: Uint8Array): void => {
  isHeld = true
  try {
    read(bytes)
  } finally {
    isHeld = false
    endTurn()
  }
}

const begin = (message: Uint8Array, mayWait: boolean): void => {
  if (!isHeld && endOfTurn === undefined) endOfTurn = setImmediate(endTurn)
  if (!mayWait) isUrgent = true
  messages.push(message)
}

const endTurn = (): void => {
  endOfTurn = undefined
  if (isUrgent || targets.length < MANY) flushBatch()
  else endOfPatience ??= setTimeout(flushBatch, PATIENCE_MS)
}

/** Writes all that waits, now. */
export const flushBatch = (): void => {
  clearTimeout(endOfPatience)
  endOfPatience = undefined
  isUrgent = false
  if (messages.length === 0) return
  const [batch, readers] = [messages, targets]
  messages = []
  targets = []
  describe(readers)
  call!.writeTcp!(batch, writes, readers.length)
  for (let index = 0; index < readers.length; index++)
    settle(readers[index]!, batch, writes[index * FIELDS + 2]!)
}

const describe = (readers: readonly BatchTarget[]): void => {
  if (readers.length * FIELDS > writes.length) writes = new Int32Array(readers.length * FIELDS * 2)
  for (let index = 0; index < readers.length; index++) {
    const reader = readers[index]!
    writes[index * FIELDS] = reader.descriptor
    writes[index * FIELDS + 1] = reader.isWritable() ? reader.chosen : 0
  }
}

const settle = (reader: BatchTarget, batch: readonly Uint8Array[], left: number): void => {
  const { chosen, waiting } = reader
  reader.chosen = 0
  reader.waiting = 0
  if (left > 0) reader.spill(restOf(batch, chosen, waiting - left))
}

const restOf = (batch: readonly Uint8Array[], chosen: number, taken: number): readonly Uint8Array[] => {
  let skip = taken
  return batch
    .filter((_, index) => (chosen & (1 << index)) !== 0)
    .map(message => {
      const from = Math.min(skip, message.length)
      skip -= from
      return message.subarray(from)
    })
    .filter(({ length }) => length > 0)
}
