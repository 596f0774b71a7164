/** Whoever goes through a list by keyboard stays in it when what has the focus goes away. */
import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'

const focusable = 'button, a[href], summary'

/** The next item of its list, else the one before, else the heading of the page. */
const neighbourOf = ({ nextElementSibling, previousElementSibling }: HTMLElement): HTMLElement | null => {
  const neighbour = nextElementSibling ?? previousElementSibling
  return neighbour?.querySelector<HTMLElement>(focusable) ?? document.querySelector('h1')
}

/** As `item` goes, its heir gets the focus if it had it. */
export const useKeptFocus = (item: RefObject<HTMLElement | null>, heirOf = neighbourOf): void =>
  // A layout effect ends while the item is still there, another one later.
  useLayoutEffect(() => {
    const { current } = item
    return () => {
      if (current?.contains(document.activeElement)) heirOf(current)?.focus()
    }
  }, [item, heirOf])

const isNowhere = ({ activeElement }: Document): boolean =>
  activeElement === null || activeElement === document.body || activeElement.closest('[hidden]') !== null

/** When the button to press next is another one and the one that was pressed is gone, the focus is on it. */
export const useHandedFocus = (selector: string): void => {
  const before = useRef(selector)
  useEffect(() => {
    if (before.current === selector) return
    before.current = selector
    if (isNowhere(document)) document.querySelector<HTMLElement>(selector)?.focus()
  }, [selector])
}
