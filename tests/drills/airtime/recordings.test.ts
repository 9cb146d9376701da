import { setTimeout as sleep } from "node:timers/promises";

import { bootMachine, findMachine, killMachine } from "../../../lab/machines/machines";
import { waitFor } from "../../../lab/workstation/wait";
import { closeBook, note } from "../support/book";
import { limits } from "../support/limits";
import { World } from "../support/world";

/*
 * What went on air is at S3, whole although a Master dies, and is cut to the second.
 */

let world: World;

beforeAll(async () => {
    world = await World.open();
    await world.mend();
    await world.arrange({ studio: { master: "both" } });
    await world.ready(["studio"]);
}, 1_200_000);

afterAll(async () => {
    await world.mend();
    await world.arrange({});
    closeBook("recordings");
});

const moment = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** What a Master's `aerial-archive cut` says, with its exit code, and how long the file is that it made, in seconds. */
async function cut(
    master: string,
    from: number,
    to: number,
    options = "",
): Promise<{ said: string; seconds: number }> {
    const script = `cd /root; aerial-archive cut ${world.channel} ${moment(from)} ${moment(to)} drill.mp3 ${options} 2>&1
        echo "ended with $?"; ffmpeg -nostdin -i drill.mp3 -f null - 2>&1 | grep -o 'time=[0-9:.]*' | tail -n 1`;
    const told = await world.at(master, ["bash", "-c", script], 120);
    const [, hours, minutes, seconds] = /time=(\d+):(\d+):([\d.]+)/.exec(told) ?? [];
    return { said: told, seconds: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) };
}

it("has every second of a time in which a Master lost its power, and misses a minute of that Master's at most", async () => {
    // A take is half a minute, and is uploaded as it closes.
    await sleep(50_000);
    const a = findMachine("master-a").id;
    const killed = Math.floor(Date.now() / 1000) * 1000;
    await killMachine(a);
    await sleep(35_000);

    const begin = killed - 40_000;
    const whole = await cut("master-b", begin, killed + 20_000);
    expect(whole.said).toContain("ended with 0");
    expect(whole.said).not.toContain("nobody");
    note("a Master dies", "the cut is off (ms)", Math.abs(whole.seconds - 60) * 1000, 1000);
    expect(Math.abs(whole.seconds - 60)).toBeLessThan(1);

    const alone = await cut("master-b", begin, killed, "--master a");
    const missing = [...alone.said.matchAll(/nobody has .*: (\d+):([\d.]+)/g)].map(
        ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
    );
    note("a Master dies", "of its own recording is lost (s)", missing[0] ?? 0, 60);
    expect(missing.length).toBeLessThanOrEqual(1);
    expect(missing[0] ?? 0).toBeLessThan(60);

    await bootMachine(a);
    await world.mastersWell(limits.backOnPreferred);
    // Its disk is the old one: what was not uploaded is, now, but for what a power cut takes from a disk.
    let later = 0;
    await waitFor(
        async () => {
            later = (await cut("master-a", begin, killed, "--master a")).seconds;
            return later >= alone.seconds - 0.1;
        },
        { limitMs: 120_000, everyMs: 2000, complaint: () => `${later} s of ${alone.seconds} s are there` },
    );
}, 600_000);

it("lets a Master write nothing but its own, and read nothing with the key that writes", async () => {
    const told = await world.at("master-a", [
        "bash",
        "-c",
        `AWS_SHARED_CREDENTIALS_FILE=/etc/aerial/recordings/writer python3 - <<'END'
import boto3, botocore, json
known = json.load(open("/etc/aerial/recordings/recordings.json"))
s3 = boto3.Session(profile_name="writer").client("s3", region_name=known["region"])
def ask(what, **given):
    try:
        getattr(s3, what)(Bucket=known["bucket"], **given)
        print("allowed")
    except botocore.exceptions.ClientError as reason:
        print(reason.response["Error"]["Code"])
ask("put_object", Key="takes/a/drill/x", Body=b"x")
ask("delete_object", Key="takes/a/drill/x")
ask("put_object", Key="hours/b/drill/x", Body=b"x")
ask("delete_object", Key="takes/b/drill/x")
ask("delete_object", Key="hours/a/drill/x")
ask("get_object", Key="takes/a/drill/x")
ask("list_objects_v2")
END`,
    ]);
    expect(told.trim().split("\n")).toEqual([
        "allowed",
        "allowed",
        ...Array.from({ length: 5 }, () => "AccessDenied"),
    ]);
});
