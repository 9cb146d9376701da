/** An amount of US dollars as people write it: `$1,234.50`. */
export function dollars(usd: number): string {
    return `$${usd.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** A number without decimals: `1,234`. */
export function whole(number: number): string {
    return number.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

/** A change of an amount, with its sign: `+$1.00`, `-$1.00`. */
export function change(usd: number): string {
    return `${usd < 0 ? "-" : "+"}${dollars(Math.abs(usd))}`;
}
