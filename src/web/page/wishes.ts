/** What a destination wants of the media, what it gets, and what is done about the difference. */
import { type ComponentChild, h } from 'preact'
import type { CheckView, LegView } from './api.ts'
import { count } from './words.ts'

const titles: Readonly<Record<string, string>> = {
  audio: 'Sound',
  'audio-bitrate': 'Sound bit rate',
  video: 'Picture',
  'h264-profile': 'H.264 profile',
  keyframes: 'Key frames',
  bitrate: 'Bit rate',
}

export type Fit = 'good' | 'mended' | 'bad' | 'unknown'
export const fitOf = ({ ok, repair }: CheckView): Fit => {
  if (ok === null) return 'unknown'
  if (ok) return 'good'
  return repair === null ? 'bad' : 'mended'
}

const Row = ({ check }: { readonly check: CheckView }): ComponentChild => {
  const { check: name, measured, wanted, repair } = check
  return h(
    'li',
    { 'data-fit': fitOf(check) },
    h('b', {}, titles[name] ?? name),
    h('span', {}, measured),
    h('span', { class: 'wanted' }, `wants ${wanted}`),
    repair === null ? null : h('span', { class: 'repair' }, repair),
  )
}

const summaryOf = (checks: readonly CheckView[]): string => {
  const of = (fit: Fit): number => checks.filter(check => fitOf(check) === fit).length
  const parts = [
    [of('bad'), 'not as wanted'],
    [of('mended'), 'mended'],
    [of('unknown'), 'not measured yet'],
  ] as const
  const told = parts.filter(([number]) => number > 0).map(([number, words]) => `${number} ${words}`)
  return told.length === 0 ? `all ${count(checks.length, 'check')} met` : told.join(', ')
}

/** Folded, unless something is not as the destination wants it. */
export const Wishes = ({ leg: { profile, preflight } }: { readonly leg: LegView }): ComponentChild => {
  if (profile === null) return null
  const name = h('span', { class: 'chip' }, profile)
  if (preflight.length === 0) return h('p', { class: 'profile' }, name)
  const fits = preflight.map(fitOf)
  const tone = fits.includes('bad') ? 'poor' : 'good'
  return h(
    'details',
    { class: 'wishes', open: tone === 'poor' },
    h('summary', {}, name, h('span', { 'data-tone': tone }, summaryOf(preflight))),
    h(
      'ul',
      { 'aria-label': `What ${profile} wants` },
      preflight.map(check => h(Row, { key: check.check, check })),
    ),
  )
}
