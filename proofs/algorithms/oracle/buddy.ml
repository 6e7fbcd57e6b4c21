(* The oracle of the buddy system: follows the traces of driver/buddy.cpp on the extracted trees, one a region. *)
open Extracted
open Lines

let rec log2 n = if n <= 1 then 0 else 1 + log2 (n / 2)

let run () =
  let regions = ref [] (* (begin, tree) in order *) and top = ref 0 and refused = ref false and fresh = ref None in
  let length () = 1 lsl !top and full () = nat !top in
  let order size align = int (rounded (z size) (z (log2 align)) (z 4)) - 4 in
  let home p = List.find_opt (fun (b, _) -> b <= p && p < b + length ()) !regions in
  let replace b t = regions := List.map (fun (b', t') -> if b' = b then (b, t) else (b', t')) !regions in
  let least k =  (* the least order from k on with a free block, in any region *)
    List.fold_left (fun best (_, t) ->
        match (least_free (full ()) t k, best) with
        | Some j, Some i -> Some (min (of_nat j) i)
        | Some j, None -> Some (of_nat j)
        | None, _ -> best) None !regions in
  let allocate size align p n =
    let k = order size align in
    match least (nat k) with
    | None ->
        demand (p < 0) "granted, though no block of the order or above is free";
        demand !refused "refused, though no region was refused"
    | Some j -> begin
        demand (p >= 0) "refused, though a block of the order or above is free";
        match home p with
        | None -> refute "granted outside of every region"
        | Some (b, t) ->
            let off = z (p - b) in
            demand (Option.map of_nat (order_at (full ()) t off) = Some j)
              (Printf.sprintf "not the begin of a free block of order %d, the least that will do" (j + 4));
            demand (n = 1 lsl k) (Printf.sprintf "must be %d least blocks" (1 lsl k));
            (match buddy_take (full ()) t off (nat k) with
             | Some t' -> replace b t'
             | None -> refute "the block cannot be taken")
      end in
  let free p size align =
    match home (p asr 4) with
    | Some (b, t) when p land 15 = 0 && order size align <= !top ->
        (match buddy_release (full ()) t (z ((p asr 4) - b)) (nat (order size align)) with
         | Some t' -> Some (b, t')
         | None -> None)
    | _ -> None in
  let all () = List.concat_map (fun (b, t) -> List.map (fun (p, k) -> (int p, of_nat k)) (free_blocks (full ()) t (z b))) !regions in
  let rec merged = function
    | (a, n) :: (b, m) :: rest when a + n = b && b mod length () <> 0 -> merged ((a, n + m) :: rest)
    | x :: rest -> x :: merged rest
    | [] -> [] in
  each (fun what values ->
      match (what, values) with
      | 'T', [ t ] -> regions := []; top := t - 4; refused := false; fresh := None
      | 'R', [] -> refused := true
      | 'X', [ b ] ->
          demand (List.for_all (fun (b', _) -> b + length () <= b' || b' + length () <= b) !regions) "regions overlap";
          fresh := Some b
      | 'A', [ size; align; p; n ] ->
          (match !fresh with
           | None -> ()
           | Some b ->
               demand (least (nat (order size align)) = None) "a region came, though a block of the order or above was free";
               regions := List.sort compare ((b, Free) :: !regions));
          fresh := None;
          allocate size align p n;
          refused := false
      | 'F', [ p; size; align; kept ] -> begin
          match free p size align with
          | Some (b, t) -> demand (kept = 1) "rejected, though a live block of that order begins there"; replace b t
          | None -> demand (kept = 0) "accepted, though no live block of that order begins there"
        end
      | 'D', [ b ] ->
          demand (List.mem (b, Free) !regions) "a region went that is not wholly free";
          regions := List.filter (fun (b', _) -> b' <> b) !regions
      | 'C', values ->
          let known = List.init (!top + 1) (fun k -> List.length (List.filter (fun (_, j) -> j = k) (all ()))) in
          demand (values = known) ("must be " ^ String.concat " " (List.map string_of_int known))
      | 'S', values ->
          let told = pairs values and known = merged (List.map (fun (p, k) -> (p, 1 lsl k)) (all ())) in
          demand (told = known) ("must be " ^ show known)
      | _ -> refute "not a line of this kind of trace")
