/** The browser that tools and tests use: Debian's, or the one that AERIAL_CHROMIUM names (tools/setup). */
export function chromiumPath(): string {
    return process.env.AERIAL_CHROMIUM ?? "/usr/bin/chromium";
}
