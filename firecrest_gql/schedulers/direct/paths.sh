# expand PATTERN TASK: %j is the job's id, %A the array's, %a the task's; relative paths are the working directory's.
expand() {
  j_rest=$1 j_path=
  while test "$j_rest" != "${j_rest#*%}"; do
    j_path=$j_path${j_rest%%%*} j_rest=${j_rest#*%}
    case $j_rest in
      j*) j_path=$j_path$j_id$2 ;;
      A*) j_path=$j_path$j_id ;;
      a*) j_path=$j_path${2#_} ;;
      *) j_path=$j_path% ;;
    esac
    j_rest=${j_rest#?}
  done
  j_path=$j_path$j_rest
  case $j_path in /*) ;; *) j_path=$j_directory/$j_path ;; esac
}
