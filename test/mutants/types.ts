/** Type errors of a tree in which some files read otherwise. One language service for all mutants: only what changed is looked at again. */
import { join } from 'node:path';
import ts from 'typescript';

/** A name that the planted bug no longer uses breaks nothing. */
const UNUSED = new Set([6133, 6192, 6196]);

export function typeChecker(root: string): (changed: ReadonlyMap<string, string>) => string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile) as { config: unknown };
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const texts = new Map<string, { text: string; version: number }>();
  let versions = 0;
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => fileNames,
    getScriptVersion: (file) => String(texts.get(file)?.version ?? 0),
    getScriptSnapshot: (file) => {
      const text = texts.get(file)?.text ?? ts.sys.readFile(file);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  });
  return (changed) => {
    const files = [...changed].map(([path, text]) => [join(root, path), text] as const);
    for (const [file, text] of files) texts.set(file, { text, version: ++versions });
    const found = files.flatMap(([file]) => [...service.getSyntacticDiagnostics(file), ...service.getSemanticDiagnostics(file)]);
    for (const [file] of files) texts.delete(file);
    return found.filter(({ code }) => !UNUSED.has(code)).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
  };
}
