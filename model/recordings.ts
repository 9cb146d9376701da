import type { StreamFormat } from "./channels";

/** For how long recordings are locked in their bucket, and stay after they were replaced, in days: the least there is. */
export const recordingsLockDays = 1;

/** Takes of half a minute, in an hour, and two files for the hour itself. */
export const recordingsPutsPerHour = 120 + 2;

/** Which of a channel's formats is recorded: the wanted codec's, or the first one where the channel does not have it. */
export function recordedFormat<F extends { codec: StreamFormat["codec"] }>(
    formats: readonly F[],
    codec: StreamFormat["codec"],
): F {
    const format = formats.find((one) => one.codec === codec) ?? formats[0];
    if (!format) {
        throw new Error("a channel has no format");
    }
    return format;
}
