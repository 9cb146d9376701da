import { rmSync } from "node:fs";
import { join } from "node:path";

import { ensureImage } from "../../lab/machines/image";
import { run } from "../../lab/workstation/run";
import { renderMaster } from "../../components/master/render";
import { icecastVersions, type IcecastVersion } from "../../model/icecast";
import { masterPlan } from "../support/masterPlan";
import { awkward, installedMaster, onMaster, startNginx } from "../support/masterStage";
import { installPackages } from "../support/packages";

/** How an encoder pushes: it knows no length. Icecast 2.5 drops a source that gives one. */
const sourceHeaders = "headers=(-H 'Content-Type: audio/mpeg' -H 'Expect:' -H 'Transfer-Encoding:')";

let root: string;

beforeAll(async () => {
    await ensureImage();
    const plan = masterPlan({ stationName: awkward });
    root = await installedMaster({
        ...plan,
        channels: plan.channels.map((channel) => ({ ...channel, title: awkward })),
    });
}, 600_000);

afterAll(() => {
    rmSync(root, { recursive: true });
});

describe("a Master's files", () => {
    it.each(["main", "jazz"])("hold a script of channel %s that Liquidsoap accepts", async (channel) => {
        await onMaster(root, `liquidsoap --check /etc/aerial/radio/${channel}.liq`);
    });

    it("hold a script that Liquidsoap accepts without another Master", async () => {
        const alone = await installedMaster(masterPlan({ peers: [] }));
        await onMaster(alone, "liquidsoap --check /etc/aerial/radio/main.liq");
        rmSync(alone, { recursive: true });
    });

    it("hold a configuration that NGINX accepts", async () => {
        await onMaster(root, startNginx);
    });

    it("hold a configuration that NGINX accepts without another Master", async () => {
        const alone = await installedMaster(masterPlan({ peers: [] }));
        await onMaster(alone, startNginx);
        rmSync(alone, { recursive: true });
    });

    it("hold units that systemd accepts", async () => {
        const { stdout, stderr } = await onMaster(
            root,
            "cd /etc/systemd/system && systemd-analyze verify --man=no --recursive-errors=no " +
                "aerial-icecast.service aerial-nginx.service aerial-radio@main.service " +
                "aerial-announcement@main.service aerial-certificate.service aerial-certificate.timer aerial.target",
        );
        expect(stdout + stderr).toBe("");
    });

    it("hold scripts without faults", async () => {
        const shell = [
            "usr/local/sbin/aerial-ready",
            "usr/local/sbin/aerial-announcement",
            "usr/local/lib/aerial/playable",
            "usr/local/lib/aerial/check",
        ];
        await run(["shellcheck", ...shell.map((path) => join(root, path))]);
        for (const path of [
            "usr/local/sbin/aerial-receive",
            "usr/local/sbin/aerial-silence",
            "usr/local/sbin/aerial-certificate",
            "usr/local/lib/aerial/authority.py",
            "usr/local/lib/aerial/certificates.py",
            "usr/local/lib/aerial/certificate_rules.py",
            "usr/local/lib/aerial/status",
        ]) {
            await run(["/usr/bin/python3", "-m", "py_compile", join(root, path)], {
                env: { ...process.env, PYTHONPYCACHEPREFIX: join(root, "pycache") },
            });
        }
    });
});

describe.each(icecastVersions)("a Master's Icecast %s", (icecast: IcecastVersion) => {
    it("takes sources with their own passwords, links with theirs, and refuses the rest", async () => {
        const plan = masterPlan({ icecast });
        const installed = await installedMaster(plan);
        const { stdout } = await onMaster(
            installed,
            `${installPackages(renderMaster(plan))}
             chgrp icecast /etc/aerial/icecast.xml /etc/aerial/icecast-listeners
             setpriv --reuid icecast2 --regid icecast --clear-groups icecast2 -c /etc/aerial/icecast.xml 2>/tmp/log &
             trap "kill -KILL $!" EXIT
             secret() { jq -r ".values[\\"$1\\"]" /etc/aerial/secrets/delivered.json; }
             relay=$(secret relay.link)
             studio="studio:$(secret source.main.studio)"
             base=http://127.0.0.1:8000
             code() { curl -s -o /dev/null -m 3 -w "$1 %{http_code}\\n" "\${@:2}" || true; }
             ${sourceHeaders}
             push() { code "$1" "\${headers[@]}" -T - "\${@:2}" </tmp/short.mp3; }
             ffmpeg -nostdin -v error -f lavfi -i sine=440:duration=30 -b:a 192k -f mp3 /tmp/tone.mp3
             # Short: a refused upload still under way would reset the connection, and the answer with it.
             head -c 1000 /tmp/tone.mp3 >/tmp/short.mp3
             until curl -s -o /dev/null $base/; do sleep 0.1; done
             curl -s -o /dev/null --limit-rate 40k "\${headers[@]}" -u "$studio" -T - $base/main-studio </tmp/tone.mp3 &
             sleep 2
             code link -u "$relay" $base/main-studio & link=$!
             code another-link -u "$relay" $base/main-studio
             wait $link
             code stranger $base/main-studio
             push wrong-password -u studio:wrong $base/main-mobile
             push taken -u "$studio" $base/main-studio
             push unlisted -u source:hackme $base/other
             code admin -u admin:hackme $base/admin/stats
             code status-page $base/status-json.xsl
             echo "version $(icecast2 -v)"
             grep -o 'CONFIG/.*' /tmp/log | sed 's/^/says /' | sort -u`,
        );
        expect(stdout.trim().split("\n").sort()).toEqual([
            "admin 401",
            "another-link 200",
            "link 200",
            expect.stringMatching(
                /^says CONFIG\/_parse_root Warning, serving of static files has been disabled/,
            ),
            "status-page 404",
            "stranger 401",
            { "2.4": "taken 403", "2.5": "taken 409" }[icecast],
            "unlisted 401",
            expect.stringContaining(`version Icecast ${icecast}.`),
            "wrong-password 401",
        ]);
        rmSync(installed, { recursive: true });
    });
});

describe("a Master's NGINX", () => {
    it("shows health and challenges to everyone, and the certificate to those with the link's password", async () => {
        const { stdout } = await onMaster(
            root,
            `${startNginx}
             code() { echo "$1 $(curl -s -o /tmp/body -m 5 -w '%{http_code}' "\${@:2}")"; }
             echo known > /var/lib/aerial/challenges/.well-known/acme-challenge/to-ken_1
             base=http://127.0.0.1
             code no-audio $base/healthz; jq -r '.reasons[0]' /tmp/body
             code challenge $base/.well-known/acme-challenge/to-ken_1; cat /tmp/body
             code unknown -H 'Aerial-Peer: 1' $base/.well-known/acme-challenge/another
             code path --path-as-is $base/.well-known/acme-challenge/../../certificate/served.pem
             code page $base/anything
             link=$(jq -r '.values["relay.link"]' /etc/aerial/secrets/delivered.json)
             port=https://127.0.0.1:8444/certificate
             code none-yet -k -u "$link" $port.pem
             cp /var/lib/aerial/certificate/self-made.pem /var/lib/aerial/certificate/certificate.pem
             chown www-data /var/lib/aerial/certificate/certificate.pem
             code stranger -k $port.pem
             code wrong -k -u relay-2:wrong $port.pem
             code certificate -k -u "$link" $port.pem
             grep -c -e 'BEGIN CERTIFICATE' -e 'BEGIN PRIVATE KEY' /tmp/body
             code state -k -u "$link" https://127.0.0.1:8444/state.json
             tls() { openssl s_client -connect 127.0.0.1:443 -servername x "$@" </dev/null 2>&1; }
             tls -tls1_1 | grep -cE 'no protocols available|alert protocol version|no cipher' || true
             tls -tls1_2 | openssl x509 -noout -text | grep -o 'ASN1 OID: .*'
             stat -c '%a %U %n' /var/lib/aerial/certificate/self-made.pem`,
        );
        expect(stdout.trim().split("\n")).toEqual([
            "no-audio 503",
            "Icecast tells nothing about itself",
            "challenge 200",
            "known",
            "unknown 404",
            "path 404",
            "page 404",
            "none-yet 404",
            "stranger 401",
            "wrong 401",
            "certificate 200",
            "2",
            "state 404",
            "1",
            "ASN1 OID: prime256v1",
            "600 www-data /var/lib/aerial/certificate/self-made.pem",
        ]);
    });

    it.each(icecastVersions)(
        "is healthy only while the audio of every public mount advances, with Icecast %s",
        async (icecast) => {
            const { stdout } = await onMaster(
                root,
                `${installPackages(renderMaster(masterPlan({ icecast })))}
             chgrp icecast /etc/aerial/icecast.xml /etc/aerial/icecast-listeners
             ${startNginx}
             setpriv --reuid icecast2 --regid icecast --clear-groups icecast2 -c /etc/aerial/icecast.xml 2>/dev/null &
             icecast=$!
             until curl -s -o /dev/null http://127.0.0.1:8000/; do sleep 0.1; done
             head -c 4000000 /dev/zero > /tmp/audio
             password=$(jq -r .source /etc/aerial/secrets/local.json)
             ${sourceHeaders}
             push() { exec curl -s -o /dev/null --limit-rate 24k "\${headers[@]}" \
                     -u "radio:$password" -T - "http://127.0.0.1:8000$1" </tmp/audio; }
             health() { curl -s -m 3 -o /tmp/body -w '%{http_code}' http://127.0.0.1/healthz; }
             turns() { local start=$SECONDS; until [ "$(health)" = "$2" ]; do sleep 0.2; done
                 echo "$1 $2 $(( SECONDS - start <= $3 )) $(jq -c .reasons /tmp/body)"; }
             push /main.mp3 & main=$!; push /main.aac & aac=$!; push /jazz.mp3 & jazz=$!
             turns playing 200 20
             kill -STOP $jazz; turns frozen-radio 503 8
             kill -CONT $jazz || true; kill $jazz || true; push /jazz.mp3 & jazz=$!
             turns back 200 20
             kill -STOP $icecast; turns frozen-icecast 503 8`,
                110,
            );
            expect(stdout.trim().split("\n")).toEqual([
                "playing 200 1 []",
                'frozen-radio 503 1 ["/jazz.mp3 is not live"]',
                "back 200 1 []",
                'frozen-icecast 503 1 ["Icecast tells nothing about itself"]',
            ]);
        },
    );
});

describe("the announcement", () => {
    it("is spoken on the machine, playable, and not made twice", async () => {
        const make =
            "/usr/local/sbin/aerial-announcement /etc/aerial/announcement/main.txt 2600 /tmp/out.wav";
        const { stdout } = await onMaster(
            root,
            `${make}; /usr/local/lib/aerial/playable /tmp/out.wav; stat -c %Y.%i /tmp/out.wav; ${make}; stat -c %Y.%i /tmp/out.wav
             ffprobe -v error -show_entries format=duration -of csv=p=0 /tmp/out.wav
             ffmpeg -nostdin -i /tmp/out.wav -af bandpass=f=2600:width_type=h:w=20,volumedetect -f null - 2>&1 | grep -o 'mean_volume: [-0-9]*'`,
        );
        const [first, second, duration, tone] = stdout.trim().split("\n");
        expect(second).toBe(first);
        expect(Number(duration)).toBeGreaterThan(5);
        expect(Number(tone?.replace("mean_volume: ", ""))).toBeGreaterThan(-30);
    });

    it.each([
        ["missing", "true"],
        ["text", "echo no audio > /tmp/it.wav"],
        ["too short", "ffmpeg -v error -f lavfi -i sine=440:duration=0.5 /tmp/it.wav"],
        [
            "damaged",
            "ffmpeg -v error -f lavfi -i sine=440:duration=5 /tmp/it.mp3; head -c 20000 /dev/urandom > /tmp/it.wav",
        ],
    ])("that is %s stops a channel from starting", async (_what, make) => {
        await onMaster(root, `${make}; ! /usr/local/lib/aerial/playable /tmp/it.wav 2>/dev/null`);
    });
});
