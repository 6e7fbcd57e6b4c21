(* What the oracles share: lines of a letter and numbers, Coq's integers, and the verdict. *)
open Extracted

let rec positive n = if n = 1 then XH else if n land 1 = 0 then XO (positive (n lsr 1)) else XI (positive (n lsr 1))
let z n = if n = 0 then Z0 else if n > 0 then Zpos (positive n) else Zneg (positive (-n))
let rec of_positive = function XH -> 1 | XO p -> 2 * of_positive p | XI p -> 2 * of_positive p + 1
let int = function Z0 -> 0 | Zpos p -> of_positive p | Zneg p -> - (of_positive p)
let rec nat n = if n = 0 then O else S (nat (n - 1))
let rec of_nat = function O -> 0 | S n -> 1 + of_nat n

let number = ref 0     (* of the line *)
let traces = ref 0
let text = ref ""

(* The C++ did what the oracle does not allow. *)
let refute what =
  Printf.printf "line %d, trace %d: \"%s\": %s\n" !number !traces !text what;
  exit 1
let demand holds what = if not holds then refute what
let show l = "[" ^ String.concat "; " (List.map (fun (a, n) -> Printf.sprintf "%d+%d" a n) l) ^ "]"

let numbers s =
  let n = String.length s in
  let rec from i acc =
    if i >= n then List.rev acc
    else if s.[i] = ' ' then from (i + 1) acc
    else begin
      let negative = s.[i] = '-' in
      let rec digits j v = if j < n && s.[j] <> ' ' then digits (j + 1) (10 * v + Char.code s.[j] - 48) else (j, v) in
      let j, v = digits (if negative then i + 1 else i) 0 in
      from j ((if negative then -v else v) :: acc)
    end
  in
  from 1 []
let rec pairs = function a :: b :: rest -> (a, b) :: pairs rest | [] -> [] | [ _ ] -> refute "an odd number of numbers"

(* Hands every line to `act`, until the one that says that the driver came to its end. *)
let each act =
  let rec go () =
    match input_line stdin with
    | exception End_of_file -> refute "the driver has ended before its end: it crashed"
    | line ->
        incr number;
        text := line;
        if line <> "E" then begin
          if line.[0] = 'T' then incr traces;
          act line.[0] (numbers line);
          go ()
        end
  in
  go ();
  demand (!traces > 0) "no trace";
  Printf.printf "result: %d traces, %d lines\n" !traces !number
