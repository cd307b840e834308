import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The file as it is served. It asks nobody but the process that served it, and its headers hold the browser to that. */
export class Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;

  /** The one of the checkout, as text. */
  readonly readme: string;

  constructor(readonly demoFile: string) {
    this.html = readFileSync(new URL('./page.html', import.meta.url), 'utf8');
    this.readme = readFileSync(join(checkout(), 'README.md'), 'utf8');
    this.headers = {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': policyOf(this.html),
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    };
  }
}

/** Above the sources or the build, wherever of the two this file runs from. */
function checkout(from = import.meta.dirname): string {
  return existsSync(join(from, 'package-lock.json')) || dirname(from) === from ? from : checkout(dirname(from));
}

/** Only the styles and scripts that stand in the file, by their hashes, and only this origin to talk to. */
function policyOf(html: string): string {
  const hashesOf = (tag: string): string =>
    [...html.matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, 'g'))].map(([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`).join(' ');
  return [
    "default-src 'none'", `script-src ${hashesOf('script')}`, `style-src ${hashesOf('style')}`, 'img-src data:', "connect-src 'self'",
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
  ].join('; ');
}
