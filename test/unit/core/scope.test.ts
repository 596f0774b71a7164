import { describe, expect, test } from 'vitest'
import { closable, createScope, describeReason, reasonOf } from '../../../src/core/scope.ts'
import type { CloseReason } from '../../../src/core/types.ts'

const slow: CloseReason = { code: 'slow-subscriber', detail: '5 s' }
const bye: CloseReason = { code: 'shutdown' }

describe('scope', () => {
  test('children close before their parent, deferred work runs last-in first-out', async () => {
    const order: string[] = []
    const root = createScope('root')
    root.defer(() => void order.push('root 1'))
    const child = root.child('child')
    root.defer(() => void order.push('root 2'))
    child.defer(() => void order.push('child 1'))
    child.defer(async () => {
      await Promise.resolve()
      order.push('child 2')
    })
    child.child('grandchild').defer(() => void order.push('grandchild'))
    await root.close(bye)
    expect(order).toEqual(['grandchild', 'child 2', 'child 1', 'root 2', 'root 1'])
  })

  test('the first reason wins and reaches every leaf as the same value', async () => {
    const root = createScope('root')
    const gone = root.child('gone')
    const leaf = root.child('branch').child('leaf')
    await gone.close(slow)
    await Promise.all([root.close(bye), root.close(slow)])
    expect(await leaf.closed).toBe(bye)
    expect(await gone.closed).toBe(slow)
    expect(await root.closed).toBe(bye)
    expect(reasonOf(leaf.signal)).toBe(bye)
  })

  test('the reason is on every signal before any release runs', () => {
    const root = createScope('root')
    const leaf = root.child('leaf')
    const seen: boolean[] = []
    leaf.defer(() => void seen.push(root.signal.aborted, leaf.signal.aborted))
    void root.close(bye)
    expect(seen).toEqual([true, true])
  })

  test('closing is idempotent: releases run once', async () => {
    let released = 0
    const scope = createScope('once')
    scope.defer(() => void released++)
    await Promise.all([scope.close(bye), scope.close(bye)])
    await scope.close(bye)
    expect(released).toBe(1)
  })

  test('a release that throws or rejects is reported and stops nothing', async () => {
    const errors: [unknown, string][] = []
    const root = createScope('root', { onError: (error, scope) => void errors.push([error, scope]) })
    let last = false
    root.defer(() => {
      last = true
    })
    root.child('child').defer(() => {
      throw new Error('child')
    })
    root.defer(() => Promise.reject(new Error('root')))
    await expect(root.close(bye)).resolves.toBeUndefined()
    expect(errors.map(([error, scope]) => [(error as Error).message, scope])).toEqual([
      ['child', 'root/child'],
      ['root', 'root'],
    ])
    expect(last).toBe(true)
  })

  test('what is deferred or opened after the close is released at once with the same reason', async () => {
    const root = createScope('root')
    await root.close(slow)
    let released = false
    root.defer(() => {
      released = true
    })
    expect(released).toBe(true)
    const late = root.child('late')
    expect(late.signal.aborted).toBe(true)
    expect(await late.closed).toBe(slow)
  })

  test('a closed child is forgotten by its parent', async () => {
    const root = createScope('root')
    for (let i = 0; i < 1000; i++) await root.child('viewer').close(slow)
    let released = 0
    root.child('last').defer(() => void released++)
    await root.close(bye)
    expect(released).toBe(1)
  })

  test('a scope may be closed from within its own release', async () => {
    const scope = createScope('scope')
    scope.defer(() => void scope.close(slow))
    await scope.close(bye)
    expect(await scope.closed).toBe(bye)
  })

  test('an aborted signal closes it, foreign reasons become words', async () => {
    const foreign = new AbortController()
    const scope = createScope('scope', { signal: foreign.signal })
    foreign.abort(new Error('client went away'))
    expect(await scope.closed).toEqual({ code: 'subscriber-left', detail: 'client went away' })
    const own = new AbortController()
    own.abort(slow)
    expect(await createScope('late', { signal: own.signal }).closed).toBe(slow)
  })

  test('await using closes it', async () => {
    let released = false
    {
      await using scope = createScope('using')
      scope.defer(() => {
        released = true
      })
    }
    expect(released).toBe(true)
  })

  test('closable is the scope under another name', async () => {
    const scope = createScope('scope')
    const view = closable(scope)
    await view.close(slow)
    expect(await view.closed).toBe(slow)
    expect(view.signal).toBe(scope.signal)
  })

  test('a reason in words', () => {
    expect(describeReason(slow)).toBe('slow-subscriber: 5 s')
    expect(describeReason(bye)).toBe('shutdown')
    expect(describeReason({ code: 'failed', error: new Error('boom') })).toBe('failed: boom')
    expect(describeReason({ code: 'source-ended', detail: 'source-ended' })).toBe('source-ended')
    expect(describeReason({ code: 'source-ended', detail: describeReason(slow) })).toBe(
      'source-ended: slow-subscriber: 5 s',
    )
    expect(describeReason({ code: slow.code, detail: describeReason(slow) })).toBe('slow-subscriber: 5 s')
  })
})
