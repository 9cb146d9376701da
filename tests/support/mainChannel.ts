import type { ChannelPlan } from "../../model/channels";

/** A channel in two formats. */
export const mainChannel: ChannelPlan = {
    id: "main",
    title: "Main",
    formats: [
        { codec: "mp3", bitrateKbps: 192, mount: "/main.mp3", contentType: "audio/mpeg" },
        { codec: "aac", bitrateKbps: 64, mount: "/main.aac", contentType: "audio/aac" },
    ],
};
