import type { StreamFormat } from "../model/channels";

/** Public path of a channel in a format: `/main.mp3`. */
export function mountOf(
    channel: { id: string; mount?: string | undefined },
    codec: StreamFormat["codec"],
): string {
    return `/${channel.mount ?? channel.id}.${codec}`;
}
