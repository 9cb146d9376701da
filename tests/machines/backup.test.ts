import "./ownLab";

import { setTimeout as sleep } from "node:timers/promises";

import { removeLab } from "../../lab/machines/removeLab";
import { sites } from "../../lab/network/addresses";
import { ensureStorage, setStorageFrozen, stopStorage } from "../../lab/amazon/storage";
import {
    archive,
    library,
    outcome,
    region,
    settled,
    sh,
    shows,
    startBackupLab,
    until,
    uploadAll,
    versions,
} from "./backupLab";

/** Formats and names that stations have. */
const names = [
    "news.mp3",
    'Größe & Ä/it\'s "quoted" 100%.flac',
    "日本/第一回.ogg",
    "a+b=c ?#[x].m4a",
    "two  spaces .wav",
    "x.opus",
];

/** Makes shows of these names. */
const makeShows = `
mkdir -p ${library}/{'Größe & Ä',日本}; cd ${library}
espeak-ng -w /tmp/speech.wav 'This is the radio, and this is a show that must not be lost.'
n=0
for name in ${names.map((name) => `'${name.replaceAll("'", `'\\''`)}'`).join(" ")}; do
    n=$((n + 100))
    ffmpeg -nostdin -v error -i /tmp/speech.wav -f lavfi -i "sine=$n:duration=3" -filter_complex amix "$name"
done
`;
/** A database like that of LibreTime, whose files table names the shows. */
const tables = `
create table cc_files (id serial primary key, name text, filepath text, filesize bigint,
    import_status int default 0, file_exists bool default true, hidden bool default false);
create table cc_show (id serial primary key, name text);
insert into cc_show (name) select 'Sendung Nr. ' || n from generate_series(1, 500) n;
`;

const ten = `${library}/ten`;

/*
 * What tests begin with. Each brings about what is missing, so that a test can run alone, or after one that has failed.
 */

/** There are shows of all names; the timers are off, so that nothing is uploaded but by a test. */
async function namesThere(): Promise<void> {
    await sh(`systemctl stop 'aerial-backup-*.timer'; [ -e ${library}/news.mp3 ] || {${makeShows}}
        rm -f ${library}/fake.mp3`);
}

/** There are ten large shows more. */
async function tenThere(): Promise<void> {
    await sh(`[ -e ${ten} ] || { mkdir ${ten}.new; for n in 0 1 2 3 4 5 6 7 8 9; do
            ffmpeg -nostdin -v error -f lavfi -i "anoisesrc=duration=30:seed=$n" -ac 2 -ar 48000 ${ten}.new/$n.wav
        done; mv ${ten}.new ${ten}; }`);
}

/** Shows of all names are kept. */
async function namesKept(): Promise<void> {
    await namesThere();
    await uploadAll();
}

/** All sixteen are kept. */
async function allKept(): Promise<void> {
    await namesThere();
    await tenThere();
    await uploadAll();
}

/** The database has been dumped, with the names of all shows. */
async function dumped(): Promise<void> {
    await sh(`systemctl start postgresql@17-main; cd /tmp
        as_postgres() { runuser -u postgres -- "$@"; }
        if [ "$(as_postgres psql -At -c "select 1 from pg_database where datname = 'airtime'")" != 1 ]; then
            as_postgres createdb -T template0 -E UTF8 airtime
            as_postgres psql -q airtime <<'E'\n${tables}\nE
            (cd ${library}; find -type f ! -name '.*' ! -name '*.part' -printf 'main/%P\\n') |
                as_postgres psql -q airtime -c '\\copy cc_files (filepath) from stdin'
            systemctl start aerial-backup@dump.service aerial-backup@configuration.service
        fi`);
}

jest.setTimeout(120_000);

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

asRoot("the backup of Airtime's machine", () => {
    beforeAll(async () => {
        await startBackupLab();
    }, 120_000);

    afterAll(async () => {
        await removeLab();
    });

    it("uploads new shows by itself within a minute, with hash and type, and none that is not playable", async () => {
        await sh(`${makeShows}\necho 'no audio' >fake.mp3; cp news.mp3 news.mp3.part; cp news.mp3 .news.mp3`);
        const started = Date.now();
        await until(60, async () =>
            (await outcome("upload")).figures["protected_shows"] === names.length ? true : undefined,
        );
        console.log(
            `${names.length} shows uploaded ${Math.round((Date.now() - started) / 1000)} s after the last`,
        );
        await sh("systemctl stop 'aerial-backup-*.timer'");
        const kept = await versions();
        expect(await sh("journalctl -b -o cat -u aerial-backup@upload")).toMatch(
            /^main\/x\.opus is kept as/m,
        );
        expect(kept.map(({ key }) => key.replace(/^shows\/\d{4}\/\d\d\/\d\d\/main\//, "")).sort()).toEqual(
            names.toSorted(),
        );
        for (const { key, metadata, type } of kept) {
            const path = decodeURIComponent(metadata["path"] ?? "");
            expect(key.endsWith(`/main/${path}`)).toBe(true);
            const quoted = `'${library}/${path.replaceAll("'", `'\\''`)}'`;
            expect(await sh(`sha256sum < ${quoted} | cut -c1-64`)).toBe(`${metadata["sha256"]}\n`);
            expect(type).toMatch(/^audio\//);
        }
        const { healthy, problems } = await outcome("upload");
        expect([healthy, problems]).toEqual([
            false,
            [expect.objectContaining({ kind: "refused", path: "fake.mp3" })],
        ]);
        await sh(`rm ${library}/fake.mp3; aerial-backup upload`);
        expect((await outcome("upload")).healthy).toBe(true);
    });

    it("recognises what is kept when it has lost its records, or was killed before it noted it", async () => {
        await namesKept();
        const before = await versions();
        await sh(`rm /var/lib/aerial/backup/shows.sqlite*; touch ${library}/news.mp3`);
        await uploadAll();
        expect(await versions()).toHaveLength(before.length);
        expect((await outcome("upload")).figures).toMatchObject({
            protected_shows: before.length,
            uploaded_shows_total: 0,
        });
    });

    it("keeps all of ten shows, none twice and none half, with S3 away and the uploader killed in a put", async () => {
        await namesKept();
        await tenThere();
        await stopStorage();
        const away = await sh(`${settled}; aerial-backup upload`, "any");
        expect(away).toContain("S3 is away");
        expect((await outcome("upload")).figures).toMatchObject({ pending_shows: 10 });
        await ensureStorage(region);
        // Three shows fly at once, of 5.8 MB each. After 20 MB, so when one is through and others are in the middle, the
        // line breaks; then the uploader is killed.
        const killed = await sh(`
            nft add table inet broken
            nft add chain inet broken out '{ type filter hook output priority 0; }'
            nft add rule inet broken out ip daddr ${sites.s3} tcp dport 443 quota over 20 mbytes counter drop
            systemctl start --no-block aerial-backup@upload.service
            until nft list chain inet broken out | grep -q 'counter packets [1-9]'; do
                systemctl -q is-failed aerial-backup@upload.service && exit 1; sleep 0.1
            done
            systemctl kill --signal=KILL aerial-backup@upload.service
            while systemctl -q is-active aerial-backup@upload.service; do sleep 0.1; done
            nft delete table inet broken
            systemctl show -P Result aerial-backup@upload.service`);
        expect(killed).toBe("signal\n");
        const kept = (await versions()).filter(({ key }) => key.includes("/ten/"));
        console.log(`killed with ${kept.length} of 10 kept`);
        expect(kept.length).toBeGreaterThan(0);
        expect(kept.length).toBeLessThan(10);
        await uploadAll();
        const ten = (await versions()).filter(({ key }) => key.includes("/ten/"));
        expect(ten).toHaveLength(10);
        expect(new Set(ten.map(({ key }) => key)).size).toBe(10);
        const sums = await sh(`cd ${library}/ten; sha256sum *.wav | cut -c1-64`);
        expect(ten.map(({ metadata }) => metadata["sha256"]).sort()).toEqual(sums.trim().split("\n").sort());
    });

    it("dumps the database, encrypted, and refuses a dump that has lost most of it", async () => {
        await allKept();
        await dumped();
        const dumps = await versions(archive);
        const dump = dumps.find(({ key }) => key.startsWith("database/"));
        expect(JSON.parse(dump?.metadata["rows"] ?? "")).toEqual({ cc_show: 500, cc_files: 16 });
        expect(dumps.some(({ key }) => key.startsWith("configuration/"))).toBe(true);

        const psql = (sql: string) =>
            sh(`cd /; runuser -u postgres -- psql -q airtime -c ${JSON.stringify(sql)}`);
        await psql("create table aside as select * from cc_show; delete from cc_show; delete from aside");
        expect(await sh("aerial-backup dump", [1])).toContain("--accept-smaller");
        expect((await versions(archive)).filter(({ key }) => key.startsWith("database/"))).toHaveLength(1);
    });

    it("restores the database in place, and only when told to", async () => {
        await allKept();
        await dumped();
        expect(await sh("aerial-restore --library --no-shows --database airtime", [1])).toContain(
            "--replace",
        );
        const said = await sh("aerial-restore --library --no-shows --database airtime --replace");
        expect(said).toContain("516 rows in 2 tables");
        const count = "cd /; runuser -u postgres -- psql -At airtime -c 'select count(*) from cc_show'";
        expect(await sh(count)).toBe("500\n");
    });

    it("finds all well by audit, and proves it by a drill", async () => {
        await allKept();
        await dumped();
        await sh("systemctl start aerial-backup@audit.service");
        expect(await outcome("audit")).toMatchObject({ healthy: true, problems: [], figures: { shows: 16 } });
        await sh("systemctl start aerial-backup@drill.service aerial-backup@drill-all.service");
        expect((await outcome("drill")).figures).toMatchObject({ rows: 516, shows: 5 });
        expect((await outcome("drill-all")).figures).toMatchObject({ rows: 516, shows: 16 });
        expect(await sh("cat /var/lib/prometheus/node-exporter/aerial-backup-*.prom")).toMatch(
            /^aerial_backup_audit_healthy 1$[^]*^aerial_backup_drill_healthy 1$/m,
        );
    });

    it("leaves no scratch database when a drill is killed", async () => {
        await allKept();
        await dumped();
        const left = await sh(`cd /; scratch() {
                runuser -u postgres -- psql -At postgres \\
                    -c "select 1 from pg_database where datname like 'aerial_drill%'"; }
            aerial-backup drill & drill=$!; disown
            for i in $(seq 200); do [ "$(scratch)" = 1 ] && break; sleep 0.02; done
            kill -9 $drill; echo seen
            for i in $(seq 100); do [ -z "$(scratch)" ] && break; sleep 0.1; done; scratch; echo left`);
        expect(left.replace(/[^]*seen/, "seen").trim()).toBe("seen\nleft");
    });

    it("restores everything, byte for byte, and uploads nothing of it again", async () => {
        await allKept();
        const before = (await versions()).length;
        const restored = await sh(
            `cp ${library}/news.mp3 ${library}/news.mp3.part; cp ${library}/news.mp3 ${library}/.news.mp3
            rm -rf /srv/before; mv ${library} /srv/before; aerial-restore --library --no-database
            diff -r ${library} /srv/before; [ ! -e ${library}/news.mp3.part ]`,
            "any",
        );
        expect(restored).toContain("16 shows restored");
        expect(restored.match(/^Only in .*$/gm)?.sort()).toEqual([
            "Only in /srv/before: .news.mp3",
            "Only in /srv/before: news.mp3.part",
        ]);
        expect(restored).not.toContain("differ");
        expect(await sh("aerial-restore --library --no-database")).toContain("16 were right already");
        await sh("rm /var/lib/aerial/backup/shows.sqlite*");
        await uploadAll();
        expect(await versions()).toHaveLength(before);
    });

    it("restores what was there before a show was overwritten", async () => {
        await namesKept();
        await sh(`sleep 1.1; date -u +%FT%TZ >/tmp/then; sleep 1.1
            cp -p ${library}/x.opus /tmp/old.opus; cat ${library}/日本/第一回.ogg >${library}/x.opus`);
        await uploadAll();
        await sh(`aerial-restore --to /tmp/then.d --at "$(cat /tmp/then)" --shows 'x*'
            cmp /tmp/then.d/main/x.opus /tmp/old.opus
            aerial-restore --to /tmp/now.d --shows 'main/x.*'
            cmp /tmp/now.d/main/x.opus ${library}/x.opus`);
    });

    it("names by audit a show that the bucket has lost and one that the disk has changed", async () => {
        await allKept();
        const lost = (await versions()).find(({ key }) => key.endsWith("news.mp3"))?.key ?? "";
        await sh(`python3 /root/backup.py delete ${shows} ${lost}
            cp --attributes-only --preserve=timestamps ${library}/ten/3.wav /tmp/times
            printf X | dd of=${library}/ten/3.wav bs=1 seek=100000 conv=notrunc status=none
            touch -r /tmp/times ${library}/ten/3.wav; rm ${library}/ten/4.wav`);
        const said = await sh("aerial-backup audit", [1]);
        expect(said).toContain("missing in the bucket: main/news.mp3");
        expect(said).toContain("differs on disk: main/ten/3.wav");
        expect(said).toContain("not on disk: main/ten/4.wav");
        const { healthy, problems } = await outcome("audit");
        expect([healthy, problems.length]).toEqual([false, 3]);
        expect(await sh("cat /var/lib/prometheus/node-exporter/aerial-backup-audit.prom")).toContain(
            "\naerial_backup_audit_healthy 0\n",
        );
        // And as the audit says: what is lost is put again, what is damaged or gone is restored.
        await sh(
            `aerial-backup upload --again; aerial-restore --library --no-database; aerial-backup upload`,
        );
        await sh("aerial-backup audit");
    });

    it("is told when S3 stands still, and goes on afterwards", async () => {
        await allKept();
        await setStorageFrozen(true);
        const restored = sh("aerial-restore --to /tmp/frozen --no-database", "any");
        await sleep(1000);
        await setStorageFrozen(false);
        expect(await restored).toContain("16 shows restored");
    });
});
