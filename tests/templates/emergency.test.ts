import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { renderMaster } from "../../components/master/render";
import { run } from "../../lab/workstation/run";
import { ensureImage, inImage } from "../../lab/machines/image";
import { cacheFolder } from "../../lab/paths";
import { delivered } from "../support/delivered";
import { masterPlan } from "../support/masterPlan";

/** The lab's S3, as `tools/setup storage` left it. */
function storage(): string {
    const found = readdirSync(cacheFolder).find((name) => name.startsWith("versitygw-v"));
    if (found === undefined) {
        throw new Error("there is no versitygw in the cache: run tools/setup storage");
    }
    return join(cacheFolder, found, "bin", "versitygw");
}

const keys = { id: "AKIAEMERGENCY0000000", secret: "s/cret+with=signs" };

let root: string;

/** What a delivery puts on a Master with emergency shows. */
beforeAll(async () => {
    await ensureImage();
    const plan = masterPlan({
        emergency: { bucket: "radio-test-shows", region: "eu-central-1", limitMiB: 10 },
    });
    const values = {
        "relay.link": "relay-2:link",
        ...Object.fromEntries(plan.linkGenerations.map((n) => [`relay.link.${n}`, `link ${n}`])),
        "shows.reader.id": keys.id,
        "shows.reader.secret": keys.secret,
        ...Object.fromEntries(
            plan.channels.flatMap((channel) =>
                plan.sources.map((source) => [`source.${channel.id}.${source.name}`, "source"]),
            ),
        ),
    };
    root = await delivered(renderMaster(plan), {
        values,
        files: { "tls.pem": "x", "tls.key": "x", "ca.pem": "x" },
    });
}, 600_000);

afterAll(() => {
    rmSync(root, { recursive: true });
});

function onMachine(script: string, limitSeconds = 115) {
    return inImage(
        [
            ...["unshare", "--net", "--pid", "--fork", "--kill-child", "bash", "-euc"],
            `ip link set lo up; cp -r /installed/. /; ${script}`,
        ],
        {
            binds: [
                { source: root, target: "/installed" },
                { source: storage(), target: "/usr/local/bin/versitygw" },
            ],
            timeoutSeconds: limitSeconds,
        },
    );
}

/** Audio of some seconds at a pitch: `tone HZ SECONDS FILE`. */
const tone = `
    tone() { ffmpeg -nostdin -v error -y -f lavfi -i "sine=$1:duration=$2" -af volume=8dB -ac 2 "$3"; }
`;

describe("a Master's emergency shows", () => {
    it("are kept by units that systemd accepts, and programs without faults", async () => {
        const { stdout, stderr } = await onMachine(
            `cd /etc/systemd/system && systemd-analyze verify --man=no --recursive-errors=no \
                aerial-emergency.service aerial-emergency.timer
             liquidsoap --check /etc/aerial/radio/main.liq
             stat -c %a /etc/aerial/emergency/credentials
             cat /etc/aerial/emergency/credentials`,
        );
        expect(stdout + stderr).toBe(
            `600\n[shows]\naws_access_key_id = ${keys.id}\naws_secret_access_key = ${keys.secret}\n`,
        );
        await run(["shellcheck", join(root, "usr/local/lib/aerial/intact")]);
    });

    it("come from S3 in any format and under any name, but not what is no audio, silent or too short", async () => {
        const { stdout } = await onMachine(
            `${tone}
             export ROOT_ACCESS_KEY=${keys.id} ROOT_SECRET_KEY='${keys.secret}'
             export AWS_SHARED_CREDENTIALS_FILE=/etc/aerial/emergency/credentials AWS_ENDPOINT_URL=http://127.0.0.1:7070
             mkdir -p /tmp/s3/data /tmp/s3/old /tmp/s3/meta /tmp/made
             /usr/local/bin/versitygw --quiet --port 127.0.0.1:7070 --region eu-central-1 \
                 posix --sidecar /tmp/s3/meta --versioning-dir /tmp/s3/old /tmp/s3/data >/tmp/s3/log 2>&1 &
             cd /tmp/made
             tone 500 8 good.mp3; tone 600 8 good.flac; tone 700 8 good.ogg; tone 800 8 good.m4a; tone 900 8 good.wav
             tone 1000 3 short.mp3
             ffmpeg -nostdin -v error -f lavfi -i anullsrc=d=20 silent.flac
             head -c 200000 /dev/urandom > noise.mp3
             head -c 60000 good.flac > cut.flac
             cat > /tmp/put.py <<'END'
import boto3, hashlib, time, urllib.request
s3 = boto3.Session(profile_name="shows").client("s3", region_name="eu-central-1")
while True:
    try:
        s3.create_bucket(Bucket="radio-test-shows", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        break
    except Exception as reason:
        if "connect" not in str(reason): raise
        time.sleep(0.2)
s3.put_bucket_versioning(Bucket="radio-test-shows", VersioningConfiguration={"Status": "Enabled"})
def put(key, name, sha256=None):
    content = open(name, "rb").read()
    s3.put_object(Bucket="radio-test-shows", Key=key, Body=content, ChecksumAlgorithm="SHA256",
                  Metadata={"sha256": sha256 or hashlib.sha256(content).hexdigest()})
put("shows/2026/11/20/main/Früh am Morgen/Ü 100%.mp3", "good.mp3")
put("shows/2026/11/20/main/b.flac", "good.flac")
put("shows/2026/11/21/main/c.ogg", "good.ogg")
put("shows/2026/11/21/main/d.m4a", "good.m4a")
put("shows/2026/11/22/main/e.wav", "good.wav")
put("shows/2026/11/22/main/short.mp3", "short.mp3")
put("shows/2026/11/22/main/silent.flac", "silent.flac")
put("shows/2026/11/22/main/noise.mp3", "noise.mp3")
put("shows/2026/11/22/main/cut.flac", "cut.flac")
put("shows/2026/11/22/main/wrong.mp3", "good.mp3", "0" * 64)
END
             python3 /tmp/put.py
             rm -rf /var/lib/aerial/emergency; install -d -o liquidsoap /var/lib/aerial/emergency
             chown liquidsoap /etc/aerial/emergency/credentials
             emergency() { setpriv --reuid liquidsoap --regid liquidsoap --clear-groups /usr/local/sbin/aerial-emergency "$@"; }
             emergency run | sort
             echo; ls /var/lib/aerial/emergency/main | sed -E 's/^([0-9]{8})[.].*[.]/\\1./'
             for file in /var/lib/aerial/emergency/main/*; do /usr/local/lib/aerial/intact "$file"; done
             echo; emergency run
             kill %1; wait %1 || true
             echo; emergency run 2>&1 || echo "failed with $?"
             grep -c . /var/lib/aerial/emergency/.metrics.prom; grep reached /var/lib/aerial/emergency/.metrics.prom | tail -1`,
        );
        const [fetched = "", kept, again, away = ""] = stdout.trim().split("\n\n");
        expect(fetched).toContain("short.mp3");
        for (const line of [
            /^main: shows\/2026\/11\/20\/main\/Früh am Morgen\/Ü 100%\.mp3 is here/m,
            /short\.mp3 \(.+\) is not kept for emergencies: it holds 3\.\d s of audio, less than 5$/m,
            /silent\.flac \(.+\) is not kept for emergencies: it is silent/m,
            /noise\.mp3 \(.+\) is not kept for emergencies: FFmpeg cannot decode it/m,
            /cut\.flac \(.+\) is not kept for emergencies: FFmpeg cannot decode it/m,
            /wrong\.mp3 \(.+\) is not kept for emergencies: it does not hold what its SHA-256 says/m,
        ]) {
            expect(fetched).toMatch(line);
        }
        expect(kept?.split("\n").sort()).toEqual([
            "20261120.flac",
            "20261120.mp3",
            "20261121.m4a",
            "20261121.ogg",
            "20261122.wav",
        ]);
        expect(again).toMatch(/^main: 5 shows, \d MiB\njazz: 0 shows, 0 MiB$/);
        expect(away).toMatch(
            /^S3 is away; 5 shows here stay as they are: cannot list radio-test-shows: .*\nfailed with 1\n/,
        );
        expect(away).toContain("aerial_emergency_s3_reached 0");
    });

    it("are heard as they arrive, never after they changed on the disk; with none left the announcement is", async () => {
        const { stdout } = await onMachine(
            `${tone}
             mkdir -p /var/lib/aerial/announcement /var/lib/aerial/emergency/main /tmp/made; cd /tmp/made
             tone 400 1.5 /var/lib/aerial/announcement/main.wav
             for hz in 500 600 700; do tone $hz 1.5 $hz.mp3; done
             name() { echo "20261122.20261122T000000Z.$(sha256sum < $1 | cut -c -64).mp3"; }
             {
                 echo 'settings.log.stdout := true'
                 echo 'settings.init.allow_root := true'
                 sed -n -e '/^emergency_folder/p' -e '/^announcement/p' /etc/aerial/radio/main.liq
                 sed -n '/^# --- Never silent/,/^last_resort/p' /etc/aerial/radio/main.liq
                 echo 'heard = fallback(track_sensitive=false, [shows, last_resort])'
                 echo 'heard.on_metadata(fun (m) -> print("HEARD " ^ path.basename(m["filename"])))'
                 echo 'output.dummy(fallible=true, heard)'
             } > /tmp/it.liq
             # Counted in from the first moment, so it is there before the program is.
             : > /tmp/log
             liquidsoap --no-cache /tmp/it.liq >> /tmp/log 2>&1 &
             folder=/var/lib/aerial/emergency/main
             count() { grep -c "^HEARD $1" /tmp/log || true; }
             more() { local before; before=$(count "$1"); until [ "$(count "$1")" -gt "$before" ]; do sleep 0.2; done; }
             more main.wav; echo announced
             put() { cp $1.mp3 .new; mv .new "$folder/$(name $1.mp3)"; }
             a=$(name 500.mp3); b=$(name 600.mp3)
             put 500; more "$a"; echo heard a
             put 600; more "$b"; echo heard b; more "$a"
             # In place, in the middle, as a bad disk would; it may wait in the queue already.
             printf 'x' | dd of="$folder/$b" bs=1 seek=9000 conv=notrunc 2>/dev/null
             more "$a"; before=$(count "$b"); more "$a"; more "$a"
             [ "$(count "$b")" = "$before" ] && echo b is not heard
             head -c 1000 /dev/urandom > "$folder/$a"
             more main.wav; echo announced
             put 700; more "$(name 700.mp3)"; echo heard another
             cp 500.mp3 "$folder/by hand é.mp3"; more 'by hand é.mp3'; echo heard by hand
             # It did not ask for the next without end.
             grep -c 'does not hold' /tmp/log | awk '{ print ($1 < 60) }'`,
        );
        expect(stdout.trim().split("\n")).toEqual([
            "announced",
            "heard a",
            "heard b",
            "b is not heard",
            "announced",
            "heard another",
            "heard by hand",
            "1",
        ]);
    });
});
