import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { inImage } from "../../lab/machines/image";
import { liquidsoapScript } from "../../tools/studioSheet/encoders";

/* What the studio's sheet gives to encoders, read by the real ones. BUTT's file: unit/studio-sheet. */

it("Liquidsoap takes the script, whatever is in names and passwords", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aerial-sheet-"));
    try {
        const script = liquidsoapScript({
            ...{ station: 'Radio "Größe" #{1 + 1}', channel: "main", channelTitle: "Main\nline" },
            ...{ source: "studio", title: "Studio", host: "ingest.radio.test", tlsPort: 8443 },
            ...{ mount: "/in/main/studio", user: "studio", password: 'a"b\\c#{d}', bitrateKbps: 320 },
        });
        writeFileSync(join(folder, "studio.liq"), script);
        await inImage(["liquidsoap", "--check", "/studio.liq"], {
            binds: [{ source: join(folder, "studio.liq"), target: "/studio.liq" }],
            timeoutSeconds: 100,
        });
    } finally {
        rmSync(folder, { recursive: true });
    }
});
