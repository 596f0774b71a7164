import { BitReader, removeEmulationPrevention } from '../bits.ts'
import { equalBytes, equalLists } from '../bytes.ts'
import type { H264Parameters } from '../types.ts'
import { readH264Sps } from './sps.ts'
import { h264NalType, NAL } from './units.ts'

/** Baseline profile has no B slices: profile-level-id 42xxxx. */
const reorderedByProfile = (profileLevelId: string | undefined): false | undefined =>
  profileLevelId?.startsWith('42') === true ? false : undefined

/**
 * Parameters from parameter sets, each a NAL unit with its header byte. An SPS that cannot be read is kept,
 * its fields stay undefined. Without an SPS `profileLevelId` (from SDP) is what is known.
 */
export const createH264Params = (
  sps: readonly Uint8Array[],
  pps: readonly Uint8Array[],
  profileLevelId?: string,
): H264Parameters => {
  const active = sps[0]
  const info = active && readH264Sps(active)
  const level = info?.profileLevelId ?? profileLevelId
  return {
    codec: 'h264',
    kind: 'video',
    clockRate: 90_000,
    sps: active,
    pps,
    profileLevelId: level,
    size: info?.size,
    reordered: info === undefined ? reorderedByProfile(level) : info.reordered,
    maxReorder: info?.maxReorder,
  }
}

interface PpsIds {
  readonly id: number
  readonly spsId: number
}
const readPpsIds = (nal: Uint8Array): PpsIds | undefined => {
  const reader = new BitReader(removeEmulationPrevention(nal, 1, Math.min(nal.length, 16)))
  const ids = { id: reader.ue(), spsId: reader.ue() }
  return reader.overrun || ids.id > 255 || ids.spsId > 31 ? undefined : ids
}

/**
 * The parameter sets met in a stream, each by its id, SPS and PPS apart: they may come in different packets
 * or frames. Repeats of the same content change nothing.
 */
export class H264ParameterSets {
  #params: H264Parameters
  readonly #sps = new Map<number, Uint8Array>()
  readonly #pps = new Map<number, { readonly nal: Uint8Array; readonly spsId: number }>()
  #spsId = 0
  #changed = false

  constructor(params: H264Parameters) {
    this.#params = params
    if (params.sps !== undefined) this.add(params.sps)
    for (const nal of params.pps) this.add(nal)
    this.#changed = false
  }

  /** The parameters in force: a new object only after a change of content. */
  get params(): H264Parameters {
    return this.#params
  }

  /** Takes an SPS or PPS in; other units are ignored. The bytes are copied when kept. */
  add(nal: Uint8Array): void {
    const type = h264NalType(nal)
    if (type === NAL.sps) this.#addSps(nal)
    else if (type === NAL.pps) this.#addPps(nal)
  }

  #addSps(nal: Uint8Array): void {
    const id = readH264Sps(nal)?.id
    if (id === undefined) return
    if (id === this.#spsId && equalBytes(this.#sps.get(id), nal)) return
    if (!equalBytes(this.#sps.get(id), nal)) this.#sps.set(id, nal.slice())
    this.#spsId = id
    this.#changed = true
  }

  #addPps(nal: Uint8Array): void {
    const ids = readPpsIds(nal)
    if (ids === undefined || equalBytes(this.#pps.get(ids.id)?.nal, nal)) return
    this.#pps.set(ids.id, { nal: nal.slice(), spsId: ids.spsId })
    this.#changed = true
  }

  /** To be called once per access unit, after `add`. true: `params` is a new object. */
  update(): boolean {
    if (!this.#changed) return false
    this.#changed = false
    const sps = this.#sps.get(this.#spsId)
    const pps = [...this.#pps.values()].filter(entry => entry.spsId === this.#spsId).map(entry => entry.nal)
    const same = equalBytes(sps, this.#params.sps) && equalLists(pps, this.#params.pps)
    if (same) return false
    this.#params = createH264Params(sps === undefined ? [] : [sps], pps, this.#params.profileLevelId)
    return true
  }
}
