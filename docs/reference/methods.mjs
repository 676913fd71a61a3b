/** A plugin for TypeDoc: methods of tensors that are nothing but a function refer to it. */
import { Comment, Converter, ReflectionKind } from 'typedoc';

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    const functions = new Map(
      project
        .getChildrenByKind(ReflectionKind.Function)
        .map((reflection) => [reflection.name, reflection]),
    );
    for (const type of project.getReflectionsByKind(ReflectionKind.Class)) {
      for (const member of type.children ?? []) {
        const target = functions.get(member.name);
        const isMethod = member.sources?.some(({ fullFileName }) =>
          /\/lib\/ops\//.test(fullFileName),
        );
        if (member.hasComment() || target === undefined || !isMethod) continue;
        member.comment = new Comment([
          { kind: 'text', text: 'This tensor as the first argument of the function ' },
          { kind: 'inline-tag', tag: '@link', text: member.name, target },
          { kind: 'text', text: '.' },
        ]);
      }
    }
  });
}
