import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const checkout = join(__dirname, "../..");
const glossary = "docs/glossary.md";
const heading = "## Words we do not use";

/** Written by package managers, about names that are not ours. */
const notOurs = /(^|\/)(package-lock\.json|go\.sum|LICENSE)$/;

interface RetiredWord {
    pattern: RegExp;
    /** Files and folders that must not have the word; all of them if there are none. */
    only: string[];
    /** Files and folders that may have it. */
    except: string[];
    remedy: string;
}

/** The rows of the glossary's table of retired words. A row may list several words. */
function retiredWords(text: string): RetiredWord[] {
    const rows = text.slice(text.indexOf(heading)).matchAll(/^\| (`.+?) +\| (.+?) +\| (.+?) +\|$/gm);
    return [...rows].flatMap(([, words = "", where = "", remedy = ""]) => {
        const places = quoted(where);
        const everywhere = where.startsWith("everywhere");
        return quoted(words).map((word) => ({
            pattern: new RegExp(word.replaceAll("\\|", "|"), "i"),
            only: everywhere ? [] : places,
            except: everywhere ? places : [],
            remedy,
        }));
    });
}

function quoted(cell: string): string[] {
    return [...cell.matchAll(/`(.+?)`/g)].map(([, text = ""]) => text);
}

/** Each use of a retired word in a file: where it is, the word, and what to say instead. */
function uses(words: readonly RetiredWord[], path: string, text: string): string[] {
    const within = (place: string) => path === place || (place.endsWith("/") && path.startsWith(place));
    const retiredHere = words.filter(
        ({ only, except }) => (only.length === 0 || only.some(within)) && !except.some(within),
    );
    const find = (place: string, line: string) =>
        retiredHere.flatMap(({ pattern, remedy }) => {
            const found = pattern.exec(line);
            return found ? [`${place}: "${found[0]}"; say instead: ${remedy}`] : [];
        });
    return [
        find(path, path),
        ...text.split("\n").map((line, index) => find(`${path}:${index + 1}`, line)),
    ].flat();
}

/** The text of a file in which retired words must not be. The glossary's own table names them. */
function checkedText(path: string): string {
    const text = readFileSync(join(checkout, path), "utf8");
    if (text.includes("\0")) {
        return "";
    }
    return path === glossary ? text.slice(0, text.indexOf(heading)) : text;
}

function repositoryFiles(): string[] {
    // Tracked files, and new ones that are not ignored: a mistake shows before it is committed.
    const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
        cwd: checkout,
        encoding: "utf8",
    });
    const deleted = execFileSync("git", ["ls-files", "-z", "--deleted"], { cwd: checkout, encoding: "utf8" });
    const gone = new Set(deleted.split("\0"));
    return listed.split("\0").filter((path) => path !== "" && !gone.has(path) && !notOurs.test(path));
}

it("keeps retired words out of code and documents", () => {
    const words = retiredWords(readFileSync(join(checkout, glossary), "utf8"));
    expect(repositoryFiles().flatMap((path) => uses(words, path, checkedText(path)))).toEqual([]);
});

describe("the search for retired words", () => {
    const words = retiredWords(`
| \`(?<!blue )whale\` | not in this table | fish |

${heading}

| word                         | where                        | say instead |
| ---------------------------- | ---------------------------- | ----------- |
| \`whale\`, \`(orca\\|narwhal)s\` | everywhere but \`sea/\`, \`a.ts\` | fish        |
| \`\\bshark\`                   | \`docs/\`                      | \`Fish\`      |
`);

    it("reports the file, the line, the word and the remedy", () => {
        expect(uses(words, "lab/b.ts", "one\nbigWhales, NARWHALS\n")).toEqual([
            'lab/b.ts:2: "Whale"; say instead: fish',
            'lab/b.ts:2: "NARWHALS"; say instead: fish',
        ]);
    });

    it("finds a word in the path of a file", () => {
        expect(uses(words, "lab/whale.ts", "")).toEqual(['lab/whale.ts: "whale"; say instead: fish']);
    });

    it("allows a word in the places where it means something else, and only there", () => {
        expect(uses(words, "sea/b.ts", "whale")).toEqual([]);
        expect(uses(words, "a.ts", "whale")).toEqual([]);
        expect(uses(words, "a.ts.eta", "whale")).toHaveLength(1);
        expect(uses(words, "seaside.ts", "whale")).toHaveLength(1);
    });

    it("looks for a word only in the places that its row lists", () => {
        expect(uses(words, "docs/a.md", "shark")).toEqual(['docs/a.md:1: "shark"; say instead: `Fish`']);
        expect(uses(words, "lab/b.ts", "shark")).toEqual([]);
    });

    it("finds every word of the glossary's table in a text that has it", () => {
        const text = readFileSync(join(checkout, glossary), "utf8");
        const table = text
            .slice(text.indexOf(heading))
            .split("\n")
            .filter((line) => line.startsWith("| `"));
        expect(table.length).toBeGreaterThan(5);
        expect(retiredWords(text).length).toBeGreaterThanOrEqual(table.length);
    });
});
