/** The request for a key frame as a SIP message, where RTCP has none (RFC 5168). */
import type { Body } from '../message/types.ts'

export const pictureFastUpdate: Body = {
  type: 'application/media_control+xml',
  content:
    '<?xml version="1.0" encoding="utf-8"?>\r\n' +
    '<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></media_control>\r\n',
}
