import { findMachine, killMachine } from "../../../lab/machines/machines";
import { say, type Amazon } from "../support/amazon";
import { closeBook, note } from "../support/book";
import { pulumiUp } from "../support/checkout";
import { limits } from "../support/limits";
import { ask, clientOf } from "../support/names";
import type { World } from "../support/world";
import { disturbed, hearsStudio, openStage, playsFrom, type Listeners } from "./listeners";

/*
 * A Relay at Amazon that always serves a few listeners, and gets every change first.
 */

/** As station.yaml has it. */
const share = 0.25;

let world: World;
let amazon: Amazon;
let listeners: Listeners;
let regions: string[];

beforeAll(async () => {
    ({ world, amazon, listeners, regions } = await openStage());
}, 1_200_000);

afterEach(() => listeners.leave());

afterAll(async () => {
    await world.mend();
    await world.arrange({});
    closeBook("canary");
});

it("is on air at Amazon, and in DNS with its share in the nearest region", async () => {
    const [near = "", far = ""] = regions;
    const { stream } = listeners;
    const place = await clientOf(far);
    const audience = await Promise.all(
        amazon.addresses.map((address) => listeners.at(`http://${address}`, far, { decode: true })),
    );
    await Promise.all(audience.map(hearsStudio));
    await listeners.untilCertified(amazon.addresses, far);

    const count = 160;
    const answers: string[][] = [];
    while (answers.length < count) {
        const some = Array.from({ length: 8 }, async () => ask(await clientOf(near), stream));
        answers.push(...(await Promise.all(some)));
    }
    const [canary = ""] = amazon.addresses;
    const relays = world.addressesOf(near);
    expect(new Set(answers.flat())).toEqual(new Set([canary, ...relays]));
    const measured = answers.filter(([first]) => first === canary).length / count;
    const promised = share / (share + relays.length);
    note("canary in DNS", "share of answers (%)", Math.round(measured * 100), Math.round(promised * 100));
    // One in a million answers otherwise by chance.
    const deviation = Math.sqrt((promised * (1 - promised)) / count);
    expect(Math.abs(measured - promised)).toBeLessThan(5 * deviation);
    for (let n = 0; n < 12; n++) {
        expect(await ask(place, stream)).toEqual(world.addressesOf(far));
    }
    const reports = await Promise.all(audience.map((listener) => listener.stop()));
    expect(disturbed(reports)).toEqual([]);
    const [{ id } = { id: "" }] = amazon.serving();
    const restarts = await say(id, "root", "systemctl show --property=Id,NRestarts 'aerial-*.service'");
    expect(restarts.match(/NRestarts=[1-9].*/g)).toBeNull();
});

it("reads its own secrets and delivery on an instance, by its own role, as root, and nobody else's", async () => {
    const [{ id } = { id: "" }] = amazon.serving();
    const own = amazon.report.replace(/report$/, "secrets");
    const other = "/somebody-else/secrets";
    await amazon.putParameter(other, "closed");
    const read = (name: string): string =>
        `python3 -c 'import boto3; print(boto3.client("ssm", region_name="${amazon.region}")` +
        `.get_parameter(Name="${name}", WithDecryption=True)["Parameter"]["Value"])' 2>&1 | tail -1`;
    const secrets = await say(id, "root", read(own));
    expect(Object.keys(JSON.parse(secrets) as object)).toEqual(["values", "files"]);
    const refused = await say(id, "root", read(other));
    expect(refused).toContain("AccessDeniedException");
    expect(refused).toMatch(
        new RegExp(`not authorized to perform: ssm:GetParameter on resource: .*${other}`),
    );

    const settings = await say(id, "root", "cat /etc/aerial/canary.json");
    const { bucket, key, sha256 } = JSON.parse(settings) as Record<string, string>;
    const hashOf = (object = ""): string =>
        `python3 -c 'import boto3, hashlib; answer = boto3.client("s3", region_name="${amazon.region}")` +
        `.get_object(Bucket="${bucket}", Key="${object}"); ` +
        `print(hashlib.sha256(answer["Body"].read()).hexdigest())' 2>&1 | tail -1`;
    expect(await say(id, "root", hashOf(key))).toContain(sha256);
    expect(await say(id, "root", hashOf("somebody-else"))).toContain("AccessDenied");

    const metadata = "http://169.254.169.254/latest/meta-data/";
    const status = `curl -s -o /dev/null -w "%{http_code}" -m 2 ${metadata}`;
    expect(await say(id, "root", status)).toBe("401");
    expect(await say(id, "nobody", status)).toBe("000");
    expect(await say(id, "nobody", read(own))).toMatch(/NoCredentialsError/);

    const needles = passwordsIn(secrets, await say(id, "root", "cat /etc/aerial/secrets/*.json"));
    expect(needles.length).toBeGreaterThan(1);
    const search = "grep -rlsaF -f - /etc /var/lib /var/log /run /usr/local /tmp";
    expect(await say(id, "root", search, needles.join("\n"))).toContain("/etc/aerial/secrets/");
    expect(await say(id, "nobody", search, needles.join("\n"))).toBe("");
});

/** Passwords in JSON texts; certificates are no secrets. */
function passwordsIn(...texts: string[]): string[] {
    const found = texts.flatMap((text) => text.match(/"[A-Za-z0-9_-]{16,}"/g) ?? []);
    return [...new Set(found.map((one) => one.slice(1, -1)))];
}

it("stops a broken template at the canary, which the group would start no more; a good one repairs it", async () => {
    const [canary] = await amazon.untilServing(1, limits.canaryServes);
    const machines = world.relays.map(({ name }) => findMachine(name).id);
    const processes = await world.relayProcesses();
    const good = amazon.templateVersion;
    const atRelays = await Promise.all(world.relays.map(({ url, region }) => listeners.at(url, region)));
    const atCanary = await listeners.at(`http://${amazon.addresses[0]}`, regions[0] ?? "", { decode: true });
    await hearsStudio(atCanary);

    let since = Date.now();
    const { ok, errors } = await pulumiUp([
        { file: "config-templates/relay/icecast/icecast.xml.eta", text: "<location>", instead: "<locaton>" },
    ]);
    note("broken template", "until `up` gives up (ms)", Date.now() - since, limits.canaryJudged);
    expect(ok).toBe(false);
    const told = errors.join("\n");
    expect(told).toContain(`the canary of ${amazon.group} is not on air with launch template version`);
    expect(told).toMatch(/the machine's own words: [^]*aerial-icecast@a.service does not start/);
    expect(world.relays.map(({ name }) => findMachine(name).id)).toEqual(machines);
    expect(amazon.serving().map(({ id }) => id)).toEqual([canary?.id]);
    expect(atCanary.report()).toMatchObject({ disconnects: 0, gapSeconds: 0 });
    expect(amazon.templateVersion).toBe(good);

    // What the group starts from now on is what has been proven.
    since = Date.now();
    await killMachine(canary?.id ?? "");
    const [next] = await amazon.until("another canary", limits.canaryServes, () => {
        const serving = amazon.serving().filter(({ id }) => id !== canary?.id);
        return serving.length > 0 ? serving : undefined;
    });
    note("canary killed", "another one serves (ms)", Date.now() - since, limits.canaryServes);
    expect(next?.templateVersion).toBe(Number(good));
    await playsFrom(atCanary, amazon.addresses, since);
    note("canary killed", "its listener plays again (ms)", Date.now() - since, limits.canaryServes);

    since = Date.now();
    const repaired = await pulumiUp();
    note("good template", "until `up` is done (ms)", Date.now() - since, limits.canaryJudged);
    expect(repaired).toMatchObject({ ok: true, errors: [] });
    expect(amazon.serving().map(({ templateVersion }) => String(templateVersion))).toContain(
        amazon.templateVersion,
    );
    expect(Number(amazon.templateVersion)).toBeGreaterThan(Number(good));
    expect(disturbed(await Promise.all(atRelays.map((listener) => listener.stop())))).toEqual([]);
    expect(world.relays.map(({ name }) => findMachine(name).id)).toEqual(machines);
    expect(await world.relayProcesses()).toEqual(processes);
}, 480_000);
