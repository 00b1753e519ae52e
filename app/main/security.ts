/** What a page in this application may do: show our own files, nothing else. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { protocol, session, type WebContents } from 'electron';

const SCHEME = 'otabench';
export const APPLICATION_ORIGIN = `${SCHEME}://app`;
export const APPLICATION_PAGE = `${APPLICATION_ORIGIN}/index.html`;

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** The only files a page can ask for; no path of the request ever reaches the file system. */
const SERVED_FILES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'renderer.js': 'text/javascript; charset=utf-8',
  'style.css': 'text/css; charset=utf-8',
};

/** Before the application is ready: a standard, secure scheme of our own instead of file:, which may read any file. */
export function registerApplicationScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges: { standard: true, secure: true } }]);
}

/** @param rendererFolder folder of the built page. */
export function lockDownSession(rendererFolder: string): void {
  const { defaultSession } = session;
  defaultSession.setPermissionRequestHandler((_contents, _permission, answer) => {
    answer(false);
  });
  defaultSession.setPermissionCheckHandler(() => false);
  defaultSession.setDevicePermissionHandler(() => false);
  defaultSession.webRequest.onBeforeRequest((details, answer) => {
    const ours = details.url.startsWith(`${APPLICATION_ORIGIN}/`) || details.url.startsWith('devtools://');
    answer({ cancel: !ours });
  });
  defaultSession.protocol.handle(SCHEME, async (request) => {
    const name = new URL(request.url).pathname.slice(1);
    const contentType = Object.hasOwn(SERVED_FILES, name) ? SERVED_FILES[name] : undefined;
    if (!contentType) return new Response('not found', { status: 404 });
    return new Response(await readFile(path.join(rendererFolder, name)), {
      headers: {
        'content-type': contentType,
        'content-security-policy': CONTENT_SECURITY_POLICY,
        'x-content-type-options': 'nosniff',
      },
    });
  });
}

/** Denies navigation, new windows and embedded views to every page, whichever way it was created. */
export function lockDownContents(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-navigate', (event) => {
    event.preventDefault();
  });
  contents.on('will-redirect', (event) => {
    event.preventDefault();
  });
  contents.on('will-attach-webview', (event) => {
    event.preventDefault();
  });
}
