import { BitWriter } from '../bit-writer.ts'

const SCE = 0
const CPE = 1
const FIL = 6
const END = 7
/** Codes 0 to 14 count the bytes themselves; 15 is followed by one more byte, table 4.11. */
const FIL_ESCAPE = 15
const MAX_FIL_BYTES = 269
const ICS_INFO_BITS = 11
const GLOBAL_GAIN_BITS = 8
/** Pulse, TNS and gain control data are absent. */
const TOOL_BITS = 3

/** A channel without a single scale factor band, table 4.50: nothing is coded, so nothing sounds. */
const writeEmptyChannel = (writer: BitWriter, sharesInfo: boolean): void => {
  writer.bits(0, GLOBAL_GAIN_BITS)
  if (!sharesInfo) writer.bits(0, ICS_INFO_BITS)
  writer.bits(0, TOOL_BITS)
}

const writeMono = (writer: BitWriter): void => {
  writer.bits(SCE, 3)
  writer.bits(0, 4)
  writeEmptyChannel(writer, false)
}

const writeStereo = (writer: BitWriter): void => {
  writer.bits(CPE, 3)
  writer.bits(0, 4)
  writer.bits(1, 1) // common_window
  writer.bits(0, ICS_INFO_BITS)
  writer.bits(0, 2) // ms_mask_present
  writeEmptyChannel(writer, true)
  writeEmptyChannel(writer, true)
}

/** Fill elements of EXT_FILL, table 4.57: bits without meaning. */
const writeFill = (writer: BitWriter, bytes: number): void => {
  for (let left = bytes; left > 0; ) {
    const count = Math.min(left, MAX_FIL_BYTES)
    writer.bits(FIL, 3)
    writer.bits(Math.min(count, FIL_ESCAPE), 4)
    if (count >= FIL_ESCAPE) writer.bits(count - FIL_ESCAPE + 1, 8)
    for (let i = 0; i < count; i += 1) writer.bits(0, 8)
    left -= count
  }
}

/**
 * One access unit of silent AAC-LC, a raw_data_block of ISO/IEC 14496-3 section 4.4.2, for every sample rate. It is
 * filled up to about `bytes`: some services take sound of a few bits a second for none.
 */
export const silentAac = (channels: 1 | 2, bytes = 0): Uint8Array => {
  const writer = new BitWriter()
  if (channels === 1) writeMono(writer)
  else writeStereo(writer)
  writeFill(writer, Math.max(0, bytes - 8))
  writer.bits(END, 3)
  return writer.finish()
}
