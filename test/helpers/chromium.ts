/** A headless Chromium with a fake camera and microphone, for tests that need a real browser. */
import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

const ARGUMENTS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--allow-loopback-in-peer-connection',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
  // Pages that are not in front would be slowed down: the tests open several.
  '--disable-renderer-backgrounding',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
]

export interface Chromium extends AsyncDisposable {
  /** A new page at `url`, with camera and microphone allowed. */
  open(url: string): Promise<Page>
  /** Each page that follows events holds one of the six connections that a browser has for one server. */
  closePages(): Promise<void>
}

export interface ChromiumOptions {
  /** Takes certificates that no known authority signed. */
  readonly anyCertificate?: boolean
}

/** Starts Chromium; the caller disposes of it. */
export const launchChromium = async ({ anyCertificate = false }: ChromiumOptions = {}): Promise<Chromium> => {
  const executablePath = process.env.CHROMIUM ?? PATHS.find(existsSync)
  if (executablePath === undefined)
    throw new Error(`Chromium is not installed: looked for ${PATHS.join(', ')}`)
  const browser: Browser = await chromium.launch({ executablePath, args: ARGUMENTS })
  const context = await browser.newContext({
    permissions: ['camera', 'microphone'],
    ignoreHTTPSErrors: anyCertificate,
  })
  return {
    async open(url) {
      const page = await context.newPage()
      await page.goto(url)
      return page
    },
    async closePages() {
      for (const page of context.pages()) await page.close()
    },
    [Symbol.asyncDispose]: () => browser.close(),
  }
}
