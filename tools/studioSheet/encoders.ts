/*
 * Settings of encoders, as files that these programs read.
 */

/** What an encoder has to know of one source. */
export interface SourceSettings {
    station: string;
    channel: string;
    /** Of the channel, for people. */
    channelTitle: string;
    source: string;
    /** Of the source, for people. */
    title: string;
    host: string;
    /** The port with TLS. */
    tlsPort: number;
    mount: string;
    user: string;
    /** Absent where it is not to be shown. */
    password?: string | undefined;
    bitrateKbps: number;
}

/** What stands where a password is to be typed. */
export const passwordPlaceholder = "type-the-password-here";

/** A value in one line of BUTT's file: it has no way to quote. */
function plain(text: string): string {
    // A name in brackets is a section's; a list of sections has semicolons.
    return text.replace(/[\r\n[\];=#]+/g, " ").trim();
}

/**
 * BUTT's configuration file, for `Settings`, `Import`. What is not in it has BUTT's defaults (cfg.cpp of BUTT 1.45: `type` 1
 * is Icecast, `protocol` 0 is PUT). BUTT starts with its own settings where it cannot use one of a server's.
 */
export function buttSettings(source: SourceSettings): string {
    const name = plain(`${source.station} ${source.title} ${source.channel}`);
    const info = plain(`${source.station} ${source.channelTitle}`);
    const section = (title: string, values: Record<string, string | number>): string =>
        [`[${title}]`, ...Object.entries(values).map(([key, value]) => `${key} = ${value}`), ""].join("\n");
    return [
        "#This is a configuration file for butt (broadcast using this tool)\n",
        section("main", {
            ...{ server: name, srv_ent: name, icy: `${info} info`, icy_ent: `${info} info` },
            ...{ num_of_srv: 1, num_of_icy: 1 },
            // The line comes back by itself.
            ...{ force_reconnecting: 1, reconnect_delay: 1 },
        }),
        section("audio", {
            ...{ samplerate: 44100, bitrate: source.bitrateKbps, channel: 2, codec: "mp3" },
        }),
        section(name, {
            address: source.host,
            port: source.tlsPort,
            password: source.password ?? passwordPlaceholder,
            ...{ type: 1, tls: 1 },
            mount: source.mount,
            usr: source.user,
            protocol: 0,
        }),
        section(`${info} info`, { pub: 0, description: info, genre: "", url: "" }),
    ].join("\n");
}

/** A string of Liquidsoap's language. */
function quoted(text: string): string {
    return `"${text
        .replace(/[\\"]/g, "\\$&")
        .replace(/#/g, "\\x23")
        .replace(/[\r\n]+/g, " ")}"`;
}

/** A script for Liquidsoap 2: what the sound card hears, pushed to the station. */
export function liquidsoapScript(source: SourceSettings): string {
    const about = `${source.station}: ${source.title} of ${source.channelTitle}`.replace(/[\r\n]+/g, " ");
    return `# ${about}. Start: liquidsoap ${source.channel}-${source.source}.liq
output.icecast(
  %mp3(bitrate=${source.bitrateKbps}, samplerate=44100, stereo=true),
  host=${quoted(source.host)},
  port=${source.tlsPort},
  transport=http.transport.ssl(),
  mount=${quoted(source.mount)},
  user=${quoted(source.user)},
  password=${quoted(source.password ?? passwordPlaceholder)},
  # The line comes back by itself.
  on_error=fun (_) -> 1.,
  fallible=true,
  input.alsa(fallible=true)
)
`;
}
