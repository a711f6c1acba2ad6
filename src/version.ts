/** The version that `sluice --version` prints, whatever folder it runs in; a test holds it to package.json. */
export const version = '0.1.0';
