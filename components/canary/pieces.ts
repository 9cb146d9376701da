import type { FilePack } from "../machine/pack";

/** Characters of Base64 in one parameter. A standard parameter holds 4,096. */
const pieceLimit = 4000;

/**
 * How many parameters hold the files. The number is fixed, because the engine must know it before it knows the files. A
 * Relay with one channel needs 10.
 */
export const pieceCount = 16;

/**
 * The list of files as texts for parameters, in their order.
 *
 * @throws when it is too large for them.
 */
export function cutPack({ compressed }: FilePack, subject: string): string[] {
    const text = compressed.toString("base64");
    const size = Math.ceil(text.length / pieceCount);
    if (size > pieceLimit) {
        const limit = Math.floor((pieceLimit * pieceCount * 3) / 4);
        throw new Error(
            `the files of ${subject} have ${compressed.length} bytes when compressed, ` +
                `${compressed.length - limit} more than ${pieceCount} parameters hold; describe fewer channels or formats`,
        );
    }
    return Array.from({ length: pieceCount }, (_, index) => text.slice(index * size, (index + 1) * size));
}

/** Size of a standard parameter. */
const secretLimitBytes = 4096;

/** @throws when the secrets are larger than one parameter; the message does not show them. */
export function checkedSecrets(text: string): string {
    const size = Buffer.byteLength(text);
    if (size > secretLimitBytes) {
        throw new Error(
            `the secrets of the canary have ${size} bytes, and a parameter holds ${secretLimitBytes}; ` +
                `deliver fewer certificates to it`,
        );
    }
    return text;
}
