/** `sluice completion`: what makes a shell ask sluice how a word may go on. */
import { printAnswer } from './print-answer.js';
import { completeCommand, filesLine, type Shell } from './shells.js';

export async function completion(shell: Shell): Promise<void> {
  printAnswer(scripts[shell]);
}

/**
 * Each hands the words up to the cursor to the sluice that is being written, and takes lines of a value, a tab and what
 * it means. yargs has such scripts for bash and zsh, which know no instance; for fish it has none.
 */
const scripts: Readonly<Record<Shell, string>> = {
  bash: `# Completion of sluice for bash: source <(sluice completion bash)
_sluice() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == ${filesLine} ]]; then
      compopt -o filenames
      mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")
    else
      COMPREPLY+=("\${line%%$'\t'*}")
    fi
  done < <("\${COMP_WORDS[0]}" ${completeCommand} -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _sluice sluice
`,
  zsh: `#compdef sluice
# Completion of sluice for zsh: source <(sluice completion zsh), after compinit
_sluice() {
  local line
  local -a values
  while IFS= read -r line; do
    if [[ $line == ${filesLine} ]]; then
      _files
    else
      values+=("\${\${line%%$'\t'*}//:/\\:}:\${line#*$'\t'}")
    fi
  done < <("\${words[1]}" ${completeCommand} -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#values} )) && _describe -V sluice values
}
if [[ "\${funcstack[1]}" == _sluice ]]; then _sluice "$@"; else compdef _sluice sluice; fi
`,
  fish: `# Completion of sluice for fish: sluice completion fish > ~/.config/fish/completions/sluice.fish
function __sluice_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  for line in ($words[1] ${completeCommand} -- $words[2..-1] "$current" 2>/dev/null)
    if test "$line" = ${filesLine}
      __fish_complete_path "$current"
    else
      echo $line
    end
  end
end
complete -c sluice -f -a '(__sluice_complete)'
`,
};
