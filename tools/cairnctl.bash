# Completes cairnctl in bash: source <(cairnctl completion bash)
_cairnctl() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} n command='' options=()
    case $before in
        --dir) mapfile -t COMPREPLY < <(compgen -d -- "$word") && return ;;
        --timeout | --send | --until) return ;;
    esac
    for ((n = 1; n < COMP_CWORD; ++n)); do
        case ${COMP_WORDS[n]} in
            --dir) options+=(--dir "${COMP_WORDS[++n]}") ;;
            --timeout | --send | --until) ((++n)) ;;
            -*) ;;
            *) command=${command:-${COMP_WORDS[n]}} ;;
        esac
    done
    local choices
    case $command in
        '') choices='@COMMANDS@ --dir --timeout --patient --help' ;;
        completion) choices=bash ;;
        heap) choices='map --json' ;;
        list | top | quit | harts | frames | log | doctor | monitor | create) choices=--json ;;
        ensure | wait)
            if [ "$before" = "$command" ]; then choices=; else choices='running off paused'; fi
            ;;
        *) choices='--wait --json --send --until' ;;
    esac
    case $command in
        start | stop | reset | pause | resume | destroy | balloon | size | info | tree | stats | net | regs | bt | mem | \
            dump | trace | console | ensure | wait)
            choices+=" $("${COMP_WORDS[0]}" "${options[@]}" names 2>/dev/null)"
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
}
complete -F _cairnctl cairnctl
