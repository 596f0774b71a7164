import { BitReader, removeEmulationPrevention } from '../bits.ts'
import { equalBytes, equalLists } from '../bytes.ts'
import type { H265Parameters } from '../types.ts'
import { readH265Sps } from './sps.ts'
import { HEVC_NAL, h265NalType } from './units.ts'

/** Parameters from parameter sets, each a NAL unit with its header. Of VPS and SPS the first is used. */
export const createH265Params = (
  vps: readonly Uint8Array[],
  sps: readonly Uint8Array[],
  pps: readonly Uint8Array[],
): H265Parameters => {
  const info = sps[0] && readH265Sps(sps[0])
  return {
    codec: 'h265',
    kind: 'video',
    clockRate: 90_000,
    vps: vps[0],
    sps: sps[0],
    pps,
    size: info?.size,
    reordered: info && info.maxReorder > 0,
  }
}

/** sps_max_num_reorder_pics; undefined without a readable SPS. */
export const h265MaxReorder = (params: H265Parameters): number | undefined =>
  params.sps && readH265Sps(params.sps)?.maxReorder

const readPpsId = (nal: Uint8Array): number | undefined => {
  const reader = new BitReader(removeEmulationPrevention(nal, 2, Math.min(nal.length, 12)))
  const id = reader.ue()
  return reader.overrun || id > 63 ? undefined : id
}

/** The parameter sets met in a stream. Repeats of the same content change nothing. */
export class H265ParameterSets {
  #params: H265Parameters
  #vps: Uint8Array | undefined
  #sps: Uint8Array | undefined
  readonly #pps = new Map<number, Uint8Array>()
  #changed = false

  constructor(params: H265Parameters) {
    this.#params = params
    for (const nal of [params.vps, params.sps, ...params.pps]) if (nal !== undefined) this.add(nal)
    this.#changed = false
  }

  /** The parameters in force: a new object only after a change of content. */
  get params(): H265Parameters {
    return this.#params
  }

  /** Takes a VPS, SPS or PPS in; other units are ignored. The bytes are copied when kept. */
  add(nal: Uint8Array): void {
    if (nal.length < 3) return
    const type = h265NalType(nal)
    if (type === HEVC_NAL.vps) this.#addVps(nal)
    else if (type === HEVC_NAL.sps) this.#addSps(nal)
    else if (type === HEVC_NAL.pps) this.#addPps(nal)
  }

  #addVps(nal: Uint8Array): void {
    if (equalBytes(this.#vps, nal)) return
    this.#vps = nal.slice()
    this.#changed = true
  }

  #addSps(nal: Uint8Array): void {
    if (equalBytes(this.#sps, nal) || readH265Sps(nal) === undefined) return
    this.#sps = nal.slice()
    this.#changed = true
  }

  #addPps(nal: Uint8Array): void {
    const id = readPpsId(nal)
    if (id === undefined || equalBytes(this.#pps.get(id), nal)) return
    this.#pps.set(id, nal.slice())
    this.#changed = true
  }

  /** To be called once per access unit, after `add`. true: `params` is a new object. */
  update(): boolean {
    if (!this.#changed) return false
    this.#changed = false
    const { vps, sps, pps } = this.#params
    const allPps = [...this.#pps.values()]
    if (equalBytes(vps, this.#vps) && equalBytes(sps, this.#sps) && equalLists(pps, allPps)) return false
    this.#params = createH265Params(this.#vps ? [this.#vps] : [], this.#sps ? [this.#sps] : [], allPps)
    return true
  }
}
