import { readdirSync } from "node:fs";
import { join } from "node:path";

import fc from "fast-check";

import { relayMounts } from "../../components/relayPool/mounts";
import type { RelayPlan } from "../../components/relayPool/plan";
import { renderRelay } from "../../components/relayPool/render";
import { slots } from "../../components/relayPool/slots";
import type { ChannelPlan } from "../../model/channels";
import type { Upstream } from "../../model/links";
import { relayPlan } from "../support/relayPlan";

const main: ChannelPlan = {
    id: "main",
    title: "Main",
    formats: [
        { codec: "mp3", bitrateKbps: 192, mount: "/main.mp3", contentType: "audio/mpeg" },
        { codec: "aac", bitrateKbps: 64, mount: "/main.aac", contentType: "audio/aac" },
    ],
};
const second: ChannelPlan = {
    id: "main-b",
    title: "Second",
    formats: [{ codec: "mp3", bitrateKbps: 192, mount: "/main-b.mp3", contentType: "audio/mpeg" }],
};

function upstream(id: string, host = "198.19.0.1"): Upstream {
    return { id, host, port: 8443, tlsName: `master-${id}.radio.test` };
}

function plan(change: Partial<RelayPlan> = {}): RelayPlan {
    return relayPlan({ upstreams: [upstream("a"), upstream("b", "198.19.0.2")], ...change });
}

function filesOf(value: RelayPlan): Record<string, string> {
    return Object.fromEntries(renderRelay(value).files.map(({ path, content }) => [path, content]));
}

function fileOf(value: RelayPlan, path: string): string {
    const content = filesOf(value)[path];
    if (content === undefined) {
        throw new Error(`${path} is not rendered`);
    }
    return content;
}

const icecastXml = "/etc/aerial/icecast/a.xml";

/** What `feed.json` says. */
interface FeedConfiguration {
    mounts: { mount: string; name: string }[];
}

function feedOf(value: RelayPlan): FeedConfiguration {
    return JSON.parse(fileOf(value, "/etc/aerial/feed/feed.json")) as FeedConfiguration;
}

describe("mounts of a Relay", () => {
    it("burst 8 s of audio, let a listener lag 32 s, and show a title within a quarter of a second", () => {
        const [mp3, aac] = relayMounts([main]);
        expect(mp3).toMatchObject({ burstBytes: 192_000, queueBytes: 768_000, titleBytes: 6000 });
        expect(aac).toMatchObject({ burstBytes: 64_000, queueBytes: 256_000, titleBytes: 2000 });
    });

    it("are those of every channel in every format, in order", () => {
        expect(relayMounts([main, second]).map(({ mount, title }) => [mount, title])).toEqual([
            ["/main.mp3", "Main"],
            ["/main.aac", "Main"],
            ["/main-b.mp3", "Second"],
        ]);
    });
});

describe("renderRelay", () => {
    it("feeds every mount from every upstream, in order", () => {
        expect(feedOf(plan({ stallSeconds: 2.5 }))).toEqual({
            slots: [
                { name: "a", port: 8000 },
                { name: "b", port: 8016 },
                { name: "c", port: 8032 },
            ],
            controlPort: 8078,
            stallSeconds: 2.5,
            burstSeconds: 8,
            upstreams: [
                { id: "a", port: 8100 },
                { id: "b", port: 8101 },
            ],
            mounts: [
                { mount: "/main.mp3", contentType: "audio/mpeg", standby: "mp3-192", name: "Main" },
                { mount: "/main.aac", contentType: "audio/aac", standby: "aac-64", name: "Main" },
            ],
        });
        const links = fileOf(plan(), "/etc/aerial/links/links.conf");
        expect(links).toMatch(/listen 127\.0\.0\.1:8100;[^}]*set \$link_host "198\.19\.0\.1";/);
        expect(links).toMatch(/listen 127\.0\.0\.1:8101;[^}]*set \$link_host "198\.19\.0\.2";/);
        expect(links).toContain('proxy_ssl_name "master-b.radio.test";');
        expect(links).toContain("proxy_ssl_verify on;");
    });

    it("gives Icecast each public mount, and nothing to pull or to fall back to", () => {
        const xml = fileOf(plan({ channels: [main, second] }), icecastXml);
        expect([...xml.matchAll(/<mount-name>([^<]*)</g)].map(([, mount]) => mount)).toEqual([
            "/main.mp3",
            "/main.aac",
            "/main-b.mp3",
        ]);
        expect(xml).not.toMatch(/<relay>|fallback/);
        // A source that reconnects may have its old connection still open.
        expect(xml).toContain("<sources>6</sources>");
        expect(Number(/<clients>(\d+)</.exec(xml)?.[1])).toBe(1500 + 128 + 6);
    });

    it("tells the feed of every new listener", () => {
        const mounts = fileOf(plan({ channels: [main, second] }), "/etc/aerial/nginx/mounts.conf");
        expect([...mounts.matchAll(/mirror (.*);/g)].map(([, path]) => path)).toEqual([
            '"/came/main.mp3"',
            '"/came/main.aac"',
            '"/came/main-b.mp3"',
        ]);
    });

    it("buffers half a second of MP3, and nothing of AAC, which is next to nothing while it is silent", () => {
        const mounts = fileOf(plan({ channels: [main, second] }), "/etc/aerial/nginx/mounts.conf");
        const buffers = [
            ...mounts.matchAll(/location = "(.*)" \{|(proxy_buffering \w+|proxy_buffer_size .*);/g),
        ];
        expect(buffers.map(([, mount, setting]) => mount ?? setting)).toEqual([
            ...["/main.mp3", "proxy_buffering on", 'proxy_buffer_size "12k"'],
            ...["/main.aac", "proxy_buffering off"],
            ...["/main-b.mp3", "proxy_buffering on", 'proxy_buffer_size "12k"'],
        ]);
    });

    it("has every module of the feed", () => {
        const folder = join(__dirname, "../../config-templates/relay/feed/feed");
        const modules = readdirSync(folder).map((name) => `/usr/local/lib/aerial/feed/${name}`);
        expect(Object.keys(filesOf(plan()))).toEqual(expect.arrayContaining(modules));
    });

    it("reaches Icecast on the loopback address only, by sixteen sockets", () => {
        const sockets = [...fileOf(plan(), icecastXml).matchAll(/<listen-socket>.*<\/listen-socket>/g)].map(
            ([text]) => text,
        );
        expect(sockets).toHaveLength(16);
        expect(sockets.every((text) => text.includes("<bind-address>127.0.0.1</bind-address>"))).toBe(true);
        const nginx = fileOf(plan(), "/etc/aerial/nginx/a.conf");
        expect(nginx.match(/server 127\.0\.0\.1:80\d\d max_fails=0;/g)).toHaveLength(16);
    });

    it("gives each slot an Icecast and an NGINX that differ in ports only, and lead to each other", () => {
        const files = filesOf(plan());
        const ports = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, port]) => port);
        const taken = slots.flatMap(({ name }) => {
            const xml = files[`/etc/aerial/icecast/${name}.xml`] ?? "";
            const nginx = files[`/etc/aerial/nginx/${name}.conf`] ?? "";
            const sockets = ports(xml, /<port>(\d+)</g);
            expect(ports(nginx, /server 127\.0\.0\.1:(\d+)/g)).toEqual(sockets);
            expect(nginx).toContain(`js_var $slot ${name};`);
            expect(nginx).toContain(`pid /run/aerial-nginx/${name}.pid;`);
            expect(xml.replace(/<port>\d+</g, "<port><")).toBe(
                fileOf(plan(), icecastXml).replace(/<port>\d+</g, "<port><"),
            );
            return [...sockets, ...ports(nginx, /listen 127\.0\.0\.1:(\d+);/g)];
        });
        const others = [8078, 8079, 8100, 8101].map(String);
        expect(new Set([...taken, ...others]).size).toBe(3 * 17 + 4);
    });

    it("asks for a restart when Icecast's ports change, which it takes only when it starts", () => {
        const unit = fileOf(plan(), "/etc/systemd/system/aerial-icecast@.service");
        const ports = slots.map(({ name, icecastPorts }) => `${name} ${icecastPorts.join(" ")}`).join(", ");
        expect(unit).toContain(`X-Ports=${ports}\n`);
    });

    it("has one limit for every process that keeps listeners after a change", () => {
        const files = filesOf(plan());
        expect(JSON.parse(files["/etc/aerial/slots.json"] ?? "")).toEqual({
            limitSeconds: 43_200,
            slots: {
                a: { icecast: 8000, nginx: 8070 },
                b: { icecast: 8016, nginx: 8071 },
                c: { icecast: 8032, nginx: 8072 },
            },
        });
        for (const path of ["/etc/aerial/nginx/a.conf", "/etc/aerial/links/links.conf"]) {
            expect(files[path]).toContain("worker_shutdown_timeout 12h;");
        }
    });

    it("names the slots as the program does that applies a delivery, and its units wait for them", () => {
        const files = filesOf(plan());
        const names = slots.map(({ name }) => name);
        expect(files["/usr/local/lib/aerial/deliver/slots.py"]).toContain(
            `SLOTS = (${names.map((name) => `"${name}"`).join(", ")})\n`,
        );
        const inSlots = (unit: string) => names.map((name) => `${unit}@${name}.service`);
        const after = (unit: string) => /^After=(.*)$/m.exec(files[`/etc/systemd/system/${unit}`] ?? "")?.[1];
        expect(after("aerial-feed.service")).toBe(
            [...inSlots("aerial-icecast"), "aerial-links.service"].join(" "),
        );
        expect(after("aerial-certificate.service")).toBe(inSlots("aerial-nginx").join(" "));
        expect(after("aerial-ending.service")).toBe(
            [...inSlots("aerial-icecast"), ...inSlots("aerial-nginx")].join(" "),
        );
    });

    it("limits listeners in NGINX exactly, and leaves Icecast room beside them", () => {
        expect(fileOf(plan(), "/etc/aerial/nginx/listener.conf")).toContain("limit_conn listeners 1500;");
        const clients = Number(/<clients>(\d+)</.exec(fileOf(plan(), icecastXml))?.[1]);
        expect(clients).toBeGreaterThan(1500);
        expect(fileOf(plan(), "/etc/aerial/nginx/a.conf")).toContain("worker_connections 7096;");
    });

    it("serves exactly the public mounts", () => {
        const mounts = fileOf(plan({ channels: [main, second] }), "/etc/aerial/nginx/mounts.conf");
        const locations = [...mounts.matchAll(/location ([^{]*) \{/g)].map(([, location]) => location);
        // NGINX reaches what is internal, and nobody else.
        expect(mounts).toMatch(/location \/came\/ \{\n +internal;/);
        expect(locations).toEqual(["/", "/came/", '= "/main.mp3"', '= "/main.aac"', '= "/main-b.mp3"']);
    });

    it("makes one loop for each codec and bitrate, which all mounts of that kind share", () => {
        const value = plan({ channels: [main, second] });
        expect(fileOf(value, "/etc/aerial/standby/formats")).toBe("mp3 192\naac 64\n");
        expect(feedOf(value).mounts).toMatchObject([
            { mount: "/main.mp3", standby: "mp3-192" },
            { mount: "/main.aac", standby: "aac-64" },
            { mount: "/main-b.mp3", standby: "mp3-192", name: "Second" },
        ]);
    });

    it("gives the health check the mounts, the upstreams, and where the feed answers", () => {
        const module = fileOf(plan(), "/etc/aerial/nginx/js/relay.js");
        expect(JSON.parse(module.replace(/^export default |;\n$/g, ""))).toMatchObject({
            listenerLimit: 1500,
            channels: [{ mounts: [{ mount: "/main.mp3" }, { mount: "/main.aac" }] }],
            upstreams: ["a", "b"],
            slots: {
                a: "http://127.0.0.1:8000",
                b: "http://127.0.0.1:8016",
                c: "http://127.0.0.1:8032",
            },
            feed: "http://127.0.0.1:8078/status",
        });
    });

    it("lets 20 listeners on from one address, or as many as it is told", () => {
        const limits = (change: Partial<RelayPlan>) => [
            ...fileOf(plan(change), "/etc/aerial/nginx/listener.conf").matchAll(
                /limit_(?:conn callers|req).*/g,
            ),
            ...fileOf(plan(change), "/etc/aerial/nginx/edge.conf").matchAll(/rate=.*/g),
        ];
        expect(limits({}).flat()).toEqual([
            "limit_conn callers 20;",
            "limit_req zone=requests burst=40 nodelay;",
            "rate=20r/s;",
        ]);
        expect(limits({ connectionsPerAddress: 4000 }).flat()).toEqual([
            "limit_conn callers 4000;",
            "limit_req zone=requests burst=8000 nodelay;",
            "rate=4000r/s;",
        ]);
    });

    it("asks every Master for its certificate, and takes none without the names it is reached by", () => {
        const files = filesOf(plan({ masters: [upstream("a"), upstream("b", "2001:db8::2")] }));
        expect(files["/etc/aerial/certificate/masters"]).toBe(
            "master-a.radio.test 198.19.0.1 8444\nmaster-b.radio.test [2001:db8::2] 8444\n",
        );
        expect(files["/etc/aerial/certificate/names"]).toBe("stream.radio.test\nams3.stream.radio.test\n");
        expect(fileOf(plan({ region: undefined }), "/etc/aerial/certificate/names")).toBe(
            "stream.radio.test\nnyc3.stream.radio.test\nams3.stream.radio.test\n",
        );
    });

    it("passes challenges to every Master in turn, the last one's answer counts", () => {
        const challenges = (masters: Upstream[]) =>
            [
                ...fileOf(plan({ masters }), "/etc/aerial/nginx/public.conf").matchAll(
                    /location ([^ ]+ ?[^ ]*) \{|challenge_host (".*");|error_page .* = (.*);/g,
                ),
            ].map((found) => found[1] ?? found[2] ?? found[3]);
        expect(challenges([upstream("a"), upstream("b", "2001:db8::2"), upstream("c")]).slice(4)).toEqual([
            '~ "^/\\.well-known/acme-challenge/[A-Za-z0-9_-]{1,200}$"',
            '"198.19.0.1"',
            "@challenge-b",
            "@challenge-b",
            '"[2001:db8::2]"',
            "@challenge-c",
            "@challenge-c",
            '"198.19.0.1"',
        ]);
    });

    it("opens a port for a tier below only where there is one", () => {
        expect(fileOf(plan(), "/etc/aerial/nginx/edge.conf").match(/listen .*/g)).toEqual([
            "listen 80 default_server reuseport backlog=4096;",
            "listen 443 ssl default_server reuseport backlog=4096;",
        ]);
        expect(filesOf(plan())["/etc/aerial/nginx/tls.key"]).toBeUndefined();
        const files = filesOf(plan({ offersLinks: true }));
        expect(files["/etc/aerial/nginx/edge.conf"]).toContain("listen 8443 ssl");
        expect(files["/etc/aerial/nginx/tls.key"]).toBe("@{file.tls.key}");
    });

    it("runs nothing of Debian's beside its own units", () => {
        const role = renderRelay(plan());
        expect(role.maskedUnits).toEqual(["icecast2.service", "nginx.service"]);
        for (const unit of role.units) {
            expect(role.files.map((file) => file.path)).toContain(`/etc/systemd/system/${unit}`);
        }
    });

    it("writes an IPv6 address as a URL needs it", () => {
        const links = fileOf(
            plan({ upstreams: [upstream("a", "2001:db8::1")] }),
            "/etc/aerial/links/links.conf",
        );
        expect(links).toContain('set $link_host "[2001:db8::1]";');
    });

    it("makes a line of a title that has several, where a header needs one", () => {
        const title = "Main\r\nicy-metaint: 0\t!";
        expect(feedOf(plan({ channels: [{ ...main, title }] })).mounts[0]?.name).toBe(
            "Main  icy-metaint: 0 !",
        );
    });

    it("keeps hostile titles inside their place", () => {
        const property = fc.property(
            fc.string({ unit: "binary" }),
            fc.string({ unit: "binary" }),
            (stationName, title) => {
                let files: Record<string, string>;
                try {
                    files = filesOf(plan({ stationName, channels: [{ ...main, title }] }));
                } catch (error) {
                    expect(String(error)).toMatch(/cannot be written|placeholder/);
                    return;
                }
                const xml = files[icecastXml] ?? "";
                expect(xml.match(/<\/?[a-z]/g)).toEqual(fileOf(plan(), icecastXml).match(/<\/?[a-z]/g));
                for (const name of ["edge", "mounts", "listener", "public"]) {
                    const path = `/etc/aerial/nginx/${name}.conf`;
                    expect(files[path]).toBe(fileOf(plan(), path));
                }
                const [own] = feedOf(plan({ stationName, channels: [{ ...main, title }] })).mounts;
                // It becomes a header of the source's request, in UTF-8.
                expect(own?.name).not.toMatch(/\p{Cc}|\p{Cs}/u);
            },
        );
        fc.assert(property);
    });

    it("refuses a plan that cannot work, with all that is wrong", () => {
        const twice = { ...main, id: "other" };
        const bad = plan({
            channels: [main, twice],
            upstreams: [upstream("a"), upstream("a"), upstream("standby"), upstream("c", "x; }")],
            listenerLimit: 0,
        });
        expect(() => renderRelay(bad)).toThrow(
            "a Relay cannot be made: two channels have the mount /main.mp3; two channels have the mount /main.aac; " +
                'two upstreams are called a; "standby" cannot name an upstream; upstream c has the host "x; }"; ' +
                "a limit of 0 listeners",
        );
        const masters = [upstream("a", "x; }"), upstream("a")];
        const names = { ...relayPlan().names, stream: "stream.radio.test\nevil.test" };
        expect(() =>
            renderRelay(
                plan({ masters, names, region: "fra1", connectionsPerAddress: 0.5, stallSeconds: 0 }),
            ),
        ).toThrow(
            'a Relay cannot be made: two Masters are called a; Master a has the host "x; }"; ' +
                '"stream.radio.test\\nevil.test" is no name; no name for its region fra1; ' +
                "a limit of 0.5 connections for an address; a stall of 0 s",
        );
        expect(() => renderRelay(plan({ upstreams: [] }))).toThrow("no upstream");
        expect(() => renderRelay(plan({ channels: [] }))).toThrow("no channel has a format");
    });

    it.each([
        "/healthz",
        "/status.json",
        "/playing.json",
        "/main.aac.pls",
        "/",
        "main.mp3",
        "/a/b.mp3",
        '/x";',
        "/x y",
        "/.well-known",
    ])("refuses %p as a mount", (mount) => {
        const channels = [{ ...main, formats: [...main.formats, { ...main.formats[0]!, mount }] }];
        expect(() => renderRelay(plan({ channels }))).toThrow("is no mount");
    });
});
