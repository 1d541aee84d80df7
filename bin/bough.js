#!/usr/bin/env node
import * as nodeModule from 'node:module';

nodeModule.enableCompileCache?.();
const { main } = await import('../dist/bough.js');
process.exitCode = await main('bough', process.argv.slice(2));
