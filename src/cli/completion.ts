/** `crosspoint completion SHELL`: the commands and options, as the shell wants them. */
import { Argument, type Command, type Option } from 'commander'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { print } from './print.ts'

/** Its own and those of the commands within it, each once. */
const optionsOf = (command: Command): readonly Option[] => {
  const all = [command, ...command.commands].flatMap(each => each.createHelp().visibleOptions(each))
  const named = all.flatMap(option => (option.long ? [[option.long, option] as const] : []))
  return [...new Map(named).values()]
}
const flags = (command: Command): string[] => optionsOf(command).map(({ long }) => long!)
/** What may follow it without a dash: names of commands within it, shells, scopes. */
const words = (command: Command): string[] => [
  ...command.commands.map(inner => inner.name()),
  ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
]

const bash = (commands: readonly Command[]): string => `# bash completion for crosspoint
_crosspoint() {
  local current="\${COMP_WORDS[COMP_CWORD]}" known=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map(command => command.name()).join(' ')} help' -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${commands.map(command => `    ${command.name()}) known='${[...words(command), ...flags(command)].join(' ')}' ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$known" -- "$current"))
}
complete -o default -F _crosspoint crosspoint`

/** Within single quotes, in specifications where brackets and colons have a meaning. */
const zshText = (text: string): string => text.replace(/[\\[\]:]/g, '\\$&').replaceAll("'", "'\\''")
const zshOption = ({ long, description, required }: Option): string =>
  `'${long}[${zshText(description)}]${required ? ':value:_files' : ''}'`

const zshCase = (command: Command): string => {
  const rest = words(command).length > 0 ? `'*:word:(${words(command).join(' ')})'` : `'*:file:_files'`
  return `    ${command.name()}) _arguments ${[...optionsOf(command).map(zshOption), rest].join(' ')} ;;`
}

const zsh = (commands: readonly Command[]): string => `#compdef crosspoint
_crosspoint() {
  local -a known
  known=(
${commands.map(command => `    '${command.name()}:${zshText(command.description())}'`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command known
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${commands.map(zshCase).join('\n')}
  esac
}
compdef _crosspoint crosspoint`

const fishText = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`

const fishLines = (command: Command): string[] => {
  const within = `complete -c crosspoint -n '__fish_seen_subcommand_from ${command.name()}'`
  return [
    `complete -c crosspoint -n __fish_use_subcommand -f -a ${command.name()} -d ${fishText(command.description())}`,
    ...words(command).map(word => `${within} -f -a ${word}`),
    ...optionsOf(command).map(
      ({ long, description, required }) =>
        `${within} -l ${long!.slice(2)}${required ? ' -r' : ''} -d ${fishText(description)}`,
    ),
  ]
}

const fish = (commands: readonly Command[]): string =>
  ['# fish completion for crosspoint', ...commands.flatMap(fishLines)].join('\n')

const shells = { bash, zsh, fish } as const
type Shell = keyof typeof shells

const help = `
For good:
  bash  crosspoint completion bash > ~/.local/share/bash-completion/completions/crosspoint
  zsh   crosspoint completion zsh > "\${fpath[1]}/_crosspoint"
  fish  crosspoint completion fish > ~/.config/fish/completions/crosspoint.fish
`

export const define: Define = (command, finish) => {
  command
    .addArgument(new Argument('<shell>', 'yours').choices(Object.keys(shells)))
    .addHelpText('after', help)
    .addHelpText('after', examples('completion bash', 'completion fish'))
    .action((shell: Shell) => {
      // Whoever asks for completion gets all commands with their options.
      print(shells[shell](command.parent?.commands ?? []))
      finish(EXIT.ok)
    })
}
