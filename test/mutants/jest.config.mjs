import base from '../../jest.config.mjs';

/** As always, but on the database cluster that is running already. */
const { globalSetup: _, globalTeardown: __, ...rest } = base;

export default { ...rest, rootDir: '../..' };
