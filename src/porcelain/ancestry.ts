export { openAncestry } from '../repo/ancestry.js';
