(* Sliding.v - gc/sliding.hpp and src/gc/compact.cpp: what is movable slides down in order, past what is not.

   Places are counted in granules of 16 bytes, tile after tile. What cannot be used (maps of the tiles, pinned and
   immovable objects) leaves gaps; they are listed in order of address. An object is (where it begins, its length). *)
From Coq Require Import ZArith List Bool Lia.
Import ListNotations.
Open Scope Z_scope.

Definition object : Set := Z * Z.
Definition gap : Set := Z * Z.   (* from, to *)

(* compaction::reach: the next gap with room; what was placed before is not looked at again. *)
Fixpoint reach (gaps : list gap) (n : Z) : option (Z * list gap) :=
  match gaps with
  | [] => None
  | (s, e) :: g => if n <=? e - s then Some (s, (s + n, e) :: g) else reach g n
  end.
(* compaction::plan *)
Fixpoint slide (gaps : list gap) (objects : list object) : option (list Z) :=
  match objects with
  | [] => Some []
  | (_, n) :: rest =>
      match reach gaps n with
      | None => None
      | Some (to, g) => match slide g rest with None => None | Some places => Some (to :: places) end
      end
  end.

Fixpoint gaps_ok (lo : Z) (gaps : list gap) : Prop :=
  match gaps with [] => True | (s, e) :: g => lo <= s <= e /\ gaps_ok e g end.
Definition within (gaps : list gap) (a n : Z) : Prop := exists s e, In (s, e) gaps /\ s <= a /\ a + n <= e.
(* Places for the objects in gaps, not below lo, in order and disjoint. *)
Fixpoint valid (lo : Z) (gaps : list gap) (objects : list object) (places : list Z) : Prop :=
  match objects, places with
  | [], [] => True
  | (_, n) :: rest, a :: more => lo <= a /\ 0 < n /\ within gaps a n /\ valid (a + n) gaps rest more
  | _, _ => False
  end.

Lemma gaps_ge gaps : forall lo s e, gaps_ok lo gaps -> In (s, e) gaps -> lo <= s <= e.
Proof.
  induction gaps as [|[s e] g IH]; simpl; intros lo a b K I; [contradiction|]. destruct K as [L K].
  destruct I as [E|I]; [injection E as <- <-; lia|]. specialize (IH _ _ _ K I). lia.
Qed.
(* The place is the lowest that the gaps allow, and every place behind it stays allowed. *)
Lemma reach_spec gaps n : 0 < n -> forall lo, gaps_ok lo gaps ->
  match reach gaps n with
  | Some (to, g) => lo <= to /\ within gaps to n /\ gaps_ok (to + n) g /\
      (forall a m, within g a m -> within gaps a m) /\
      (forall a, within gaps a n -> to <= a) /\ (forall a m, 0 < m -> within gaps a m -> to + n <= a -> within g a m)
  | None => forall a, ~ within gaps a n
  end.
Proof.
  intros N. induction gaps as [|[s e] g IH]; intros lo K; cbn [reach].
  - intros a (s & e & [] & _).
  - destruct K as [L K]. destruct (Z.leb_spec n (e - s)) as [R|R].
    + split; [lia|]. split; [exists s, e; simpl; intuition lia|]. split; [simpl; intuition lia|]. split; [|split].
      * intros a m (x & y & [E|I] & A & B); [injection E as <- <-; exists s, e|exists x, y]; simpl; intuition lia.
      * intros a (x & y & [E|I] & A & B); [injection E as <- <-; lia|]. pose proof (gaps_ge _ _ _ _ K I). lia.
      * intros a m M (x & y & [E|I] & A & B) G; [injection E as <- <-; exists (s + n), e|exists x, y]; simpl; intuition lia.
    + specialize (IH _ K). destruct (reach g n) as [[to h]|].
      * destruct IH as (A & (x & y & I & B) & C & D & F & G). split; [lia|]. split; [exists x, y; simpl; tauto|]. split; [trivial|].
        split; [|split].
        -- intros a m W. destruct (D a m W) as (p & q & J & Q). exists p, q. simpl. tauto.
        -- intros a (p & q & [E|J] & Q); [injection E as <- <-; lia|]. apply F. exists p, q. tauto.
        -- intros a m M (p & q & [E|J] & Q) Ge; [injection E as <- <-; lia|]. apply G; trivial. exists p, q. tauto.
      * intros a (p & q & [E|J] & Q); [injection E as <- <-; lia|]. apply (IH a). exists p, q. tauto.
Qed.
Lemma valid_weaken gaps gaps' objects : (forall a n, within gaps a n -> within gaps' a n) ->
  forall lo places, valid lo gaps objects places -> valid lo gaps' objects places.
Proof.
  intros W. induction objects as [|[x n] rest IH]; intros lo [|a more]; simpl; auto. intuition.
Qed.
Lemma valid_lower gaps objects places lo lo' : lo' <= lo -> valid lo gaps objects places -> valid lo' gaps objects places.
Proof. destruct objects as [|[x n] rest], places as [|a more]; simpl; auto. intuition lia. Qed.

(* Order is kept, the places are disjoint and avoid what is not in a gap. *)
Theorem slide_valid objects : forall lo gaps places, gaps_ok lo gaps -> (forall x n, In (x, n) objects -> 0 < n) ->
  slide gaps objects = Some places -> valid lo gaps objects places.
Proof.
  induction objects as [|[x n] rest IH]; intros lo gaps places K P S; cbn [slide] in S.
  - injection S as <-. simpl. trivial.
  - assert (N : 0 < n) by (apply (P x); simpl; auto). pose proof (reach_spec gaps n N lo K) as R.
    destruct (reach gaps n) as [[to g]|]; [|discriminate]. destruct (slide g rest) as [more|] eqn:E; [|discriminate].
    injection S as <-. destruct R as (A & B & C & D & _). simpl. split; [trivial|]. split; [trivial|]. split; [trivial|].
    apply valid_weaken with (gaps := g); trivial. apply IH; trivial. intros y m I. apply (P y m). simpl. auto.
Qed.
(* Each object is at the lowest place that any order-preserving placement could give it; where there is one at all
   (the places where the objects are is one), the slide does not fail, and moves nothing up. *)
Theorem slide_least objects : forall lo gaps others, gaps_ok lo gaps -> valid lo gaps objects others ->
  exists places, slide gaps objects = Some places /\ Forall2 Z.le places others.
Proof.
  induction objects as [|[x n] rest IH]; intros lo gaps [|a more] K V; simpl in V; try contradiction; cbn [slide].
  - exists []. auto.
  - destruct V as (A & N & W & V). pose proof (reach_spec gaps n N lo K) as R.
    destruct (reach gaps n) as [[to g]|]; [|exfalso; exact (R a W)]. destruct R as (_ & _ & C & _ & F & G).
    pose proof (F a W) as L. assert (V' : valid (to + n) g rest more).
    { apply valid_lower with (lo := a + n); [lia|]. assert (B : to + n <= a + n) by lia. revert B V. generalize (a + n). clear - G.
      revert more. induction rest as [|[y m] r IH]; intros [|b more] lo B V; simpl in *; trivial.
      destruct V as (V1 & V2 & V3 & V4). split; [trivial|]. split; [trivial|]. split; [apply G; trivial; lia|].
      apply IH; trivial. lia. }
    destruct (IH (to + n) g more C V') as (places & -> & Le). exists (to :: places). auto.
Qed.
(* What is placed is not below lo; later objects are not below the end of earlier ones. *)
Lemma valid_ge gaps objects : forall lo places, valid lo gaps objects places -> forall p, In p places -> lo <= p.
Proof.
  induction objects as [|[x n] rest IH]; intros lo [|a more]; simpl; try contradiction. intros (A & N & _ & V) p [<-|I]; [lia|].
  specialize (IH _ _ V p I). lia.
Qed.
Theorem places_distinct gaps objects : forall lo places, valid lo gaps objects places -> NoDup places.
Proof.
  induction objects as [|[x n] rest IH]; intros lo [|a more]; simpl; try contradiction; [constructor|]. intros (A & N & _ & V).
  constructor; [|eauto]. intros I. pose proof (valid_ge _ _ _ _ V a I). lia.
Qed.

(* Contents ------------------------------------------------------------------------------------------------------ *)
Section Memory.
Variable V : Type.
Definition memory := Z -> V.
Definition move (m : memory) (from to n : Z) : memory := fun x => if (to <=? x) && (x <? to + n) then m (from + (x - to)) else m x.
(* copy_down: granule by granule, upwards *)
Fixpoint copy_up (m : memory) (from to : Z) (n : nat) : memory :=
  match n with
  | O => m
  | S k => copy_up (fun x => if x =? to then m from else m x) (from + 1) (to + 1) k
  end.
(* Downwards this is a move, though the two places may overlap. *)
Theorem copy_up_moves n : forall m from to, to <= from -> forall x, copy_up m from to n x = move m from to (Z.of_nat n) x.
Proof.
  induction n as [|k IH]; intros m from to L x; cbn [copy_up].
  - unfold move. replace (_ && _) with false; trivial. symmetry. apply andb_false_iff. rewrite Z.leb_gt, Z.ltb_ge. lia.
  - rewrite IH by lia. unfold move.
    destruct ((to <=? x) && (x <? to + Z.of_nat (S k))) eqn:E;
    [rewrite andb_true_iff, Z.leb_le, Z.ltb_lt in E|rewrite andb_false_iff, Z.leb_gt, Z.ltb_ge in E];
    destruct ((to + 1 <=? x) && (x <? to + 1 + Z.of_nat k)) eqn:F;
    [rewrite andb_true_iff, Z.leb_le, Z.ltb_lt in F|rewrite andb_false_iff, Z.leb_gt, Z.ltb_ge in F
    |rewrite andb_true_iff, Z.leb_le, Z.ltb_lt in F|rewrite andb_false_iff, Z.leb_gt, Z.ltb_ge in F]; try lia.
    + replace (from + 1 + (x - (to + 1)) =? to) with false by (symmetry; apply Z.eqb_neq; lia). f_equal. lia.
    + replace (x =? to) with true by (symmetry; apply Z.eqb_eq; lia). f_equal. lia.
    + replace (x =? to) with false by (symmetry; apply Z.eqb_neq; lia). reflexivity.
Qed.
(* slide_tile: object after object, in order of address *)
Fixpoint moved (m : memory) (objects : list object) (places : list Z) : memory :=
  match objects, places with (x, n) :: rest, to :: more => moved (move m x to n) rest more | _, _ => m end.
Fixpoint carried (before after : memory) (objects : list object) (places : list Z) : Prop :=
  match objects, places with
  | (x, n) :: rest, to :: more => (forall k, 0 <= k < n -> after (to + k) = before (x + k)) /\ carried before after rest more
  | _, _ => True
  end.
Lemma move_outside m from to n x : x < to \/ to + n <= x -> move m from to n x = m x.
Proof. intros H. unfold move. replace (_ && _) with false; trivial. symmetry. apply andb_false_iff. rewrite Z.leb_gt, Z.ltb_ge. lia. Qed.
(* Nothing outside of the gaps changes: pinned objects and maps stay as they are; nor does what lies below lo. *)
Theorem moved_frame gaps objects : forall lo places m x, valid lo gaps objects places ->
  x < lo \/ (forall s e, In (s, e) gaps -> ~ s <= x < e) -> moved m objects places x = m x.
Proof.
  induction objects as [|[y n] rest IH]; intros lo [|to more] m x; simpl; trivial; try contradiction.
  intros (A & N & (s & e & I & W) & Vd) H. rewrite (IH (to + n)); trivial; [|destruct H; [left; lia|auto]].
  apply move_outside. destruct H as [H|H]; [lia|]. specialize (H s e I). lia.
Qed.
Lemma carried_ext objects : forall gaps lo sources places m m' after, sources = map fst objects -> valid lo gaps objects sources ->
  (forall x, lo <= x -> m x = m' x) -> carried m after objects places -> carried m' after objects places.
Proof.
  induction objects as [|[x n] rest IH]; intros gaps lo sources [|to more] m m' after E Vd Eq C; simpl in *; trivial. subst. simpl in Vd.
  destruct Vd as (A & N & _ & Vd), C as [C D]. split; [intros k K; rewrite C, Eq by lia; trivial|].
  apply (IH gaps (x + n) (map fst rest) more m m'); trivial. intros z Z0. apply Eq. lia.
Qed.
(* Every object's contents arrive, whatever is overwritten meanwhile: given that the objects are in order and disjoint
   where they are, and move down in order. *)
Theorem contents_carried objects : forall gaps lo lo' places m, valid lo gaps objects (map fst objects) ->
  valid lo' gaps objects places -> Forall2 Z.le places (map fst objects) -> carried m (moved m objects places) objects places.
Proof.
  induction objects as [|[x n] rest IH]; intros gaps lo lo' [|to more] m S T L; simpl in *; trivial.
  destruct S as (S1 & N & _ & S), T as (T1 & _ & _ & T). inversion L; subst. split.
  - intros k K. rewrite (moved_frame gaps rest (to + n)); trivial; [|left; lia]. unfold move.
    replace ((to <=? to + k) && (to + k <? to + n)) with true
      by (symmetry; apply andb_true_iff; rewrite Z.leb_le, Z.ltb_lt; lia). f_equal. lia.
  - apply carried_ext with (gaps := gaps) (lo := x + n) (sources := map fst rest) (m := move m x to n); trivial.
    + intros z Z0. apply move_outside. lia.
    + eapply IH; eauto.
Qed.
End Memory.

(* References ---------------------------------------------------------------------------------------------------- *)
(* sliding::of: where the object that was at x is. *)
Fixpoint of (objects : list object) (places : list Z) (x : Z) : Z :=
  match objects, places with (y, _) :: rest, to :: more => if y =? x then to else of rest more x | _, _ => x end.
Lemma of_in objects : forall places x, length places = length objects -> In x (map fst objects) -> In (of objects places x) places.
Proof.
  induction objects as [|[y n] rest IH]; intros [|to more] x L I; simpl in *; try discriminate; try contradiction.
  destruct (Z.eqb_spec y x); [auto|right]. apply IH; [lia|]. destruct I; [contradiction|trivial].
Qed.
Theorem of_injective objects : forall places, length places = length objects -> NoDup places ->
  forall x y, In x (map fst objects) -> In y (map fst objects) -> of objects places x = of objects places y -> x = y.
Proof.
  induction objects as [|[z n] rest IH]; intros [|to more] L D x y I J; simpl in *; try discriminate; try contradiction.
  inversion D; subst. destruct (Z.eqb_spec z x), (Z.eqb_spec z y); subst; trivial; intros E.
  - exfalso. apply H1. rewrite E. apply of_in; [lia|]. destruct J; [contradiction|trivial].
  - exfalso. apply H1. rewrite <- E. apply of_in; [lia|]. destruct I; [contradiction|trivial].
  - destruct I, J; try contradiction. eapply IH; eauto.
Qed.
(* The references of an object, updated where it arrived: the graph is the same graph. *)
Theorem references_isomorphic objects places (refs refs' : Z -> list Z) : length places = length objects -> NoDup places ->
  (forall x, In x (map fst objects) -> refs' (of objects places x) = map (of objects places) (refs x)) ->
  (forall x, In x (map fst objects) -> incl (refs x) (map fst objects)) ->
  forall x y, In x (map fst objects) -> In y (map fst objects) ->
    (In (of objects places y) (refs' (of objects places x)) <-> In y (refs x)).
Proof.
  intros L D U C x y X Y. rewrite U, in_map_iff by trivial. split.
  - intros (z & E & Z0). replace y with z; trivial. eapply of_injective; eauto. apply (C x X). trivial.
  - intros I. exists y. auto.
Qed.

(* sliding::of as it is computed: the first place and the occupied granules in front of the object ------------------- *)
Definition occupied (objects : list object) (x : Z) : bool := existsb (fun o => (fst o <=? x) && (x <? fst o + snd o)) objects.
Fixpoint count (p : Z -> bool) (lo : Z) (n : nat) : Z :=
  match n with O => 0 | S k => (if p lo then 1 else 0) + count p (lo + 1) k end.
Fixpoint sum (objects : list object) : Z := match objects with [] => 0 | (_, n) :: rest => n + sum rest end.
Fixpoint in_order (lo : Z) (objects : list object) : Prop :=
  match objects with [] => True | (x, n) :: rest => lo <= x /\ 0 < n /\ in_order (x + n) rest end.

Lemma count_add p a : forall lo b, count p lo (a + b) = count p lo a + count p (lo + Z.of_nat a) b.
Proof.
  induction a as [|a IH]; intros lo b; cbn [count Nat.add]; [now rewrite Z.add_0_r|]. rewrite IH.
  replace (lo + 1 + Z.of_nat a) with (lo + Z.of_nat (S a)) by lia. lia.
Qed.
Lemma count_const p v n : forall lo, (forall x, lo <= x < lo + Z.of_nat n -> p x = v) -> count p lo n = if v then Z.of_nat n else 0.
Proof.
  induction n as [|n IH]; intros lo H; cbn [count]; [destruct v; lia|]. rewrite H by lia.
  rewrite IH by (intros; apply H; lia). destruct v; lia.
Qed.
Lemma count_ext p q n : forall lo, (forall x, lo <= x < lo + Z.of_nat n -> p x = q x) -> count p lo n = count q lo n.
Proof.
  induction n as [|n IH]; intros lo H; cbn [count]; trivial. rewrite H by lia. f_equal. apply IH. intros. apply H. lia.
Qed.
Lemma occupied_below objects : forall lo x, in_order lo objects -> x < lo -> occupied objects x = false.
Proof.
  induction objects as [|[y n] rest IH]; intros lo x; simpl; trivial. intros (A & N & O) L.
  rewrite (IH (y + n)) by (trivial; lia). replace (y <=? x) with false by (symmetry; apply Z.leb_gt; lia). reflexivity.
Qed.
(* Where a gap has room for all of a word's objects, one number and a count of bits say where each of them goes. *)
Theorem slide_counts objects : forall lo s e, in_order lo objects -> sum objects <= e - s ->
  exists places, slide [(s, e)] objects = Some places /\
    forall x n, In (x, n) objects -> of objects places x = s + count (occupied objects) lo (Z.to_nat (x - lo)).
Proof.
  induction objects as [|[y n] rest IH]; intros lo s e O R; cbn [slide].
  - exists []. split; trivial. intros x n [].
  - cbn [in_order sum] in *. destruct O as (A & N & O).
    assert (P : 0 <= sum rest). { clear - O. revert O. generalize (y + n). induction rest as [|[z m] r IH]; intros lo; simpl; [lia|].
      intros (_ & M & O). specialize (IH _ O). lia. }
    cbn [reach]. replace (n <=? e - s) with true by (symmetry; apply Z.leb_le; lia).
    destruct (IH (y + n) (s + n) e O ltac:(lia)) as (places & -> & H). exists (s :: places). split; trivial.
    intros x m I. cbn [of]. set (q := occupied ((y, n) :: rest)).
    assert (Q0 : forall z, lo <= z < y -> q z = false).
    { intros z Hz. unfold q. simpl. rewrite (occupied_below rest (y + n)) by (trivial; lia).
      replace (y <=? z) with false by (symmetry; apply Z.leb_gt; lia). reflexivity. }
    destruct (Z.eqb_spec y x) as [->|D].
    + rewrite (count_const q false) by (intros; apply Q0; lia). lia.
    + destruct I as [E|I]; [injection E as -> ->; tauto|]. rewrite (H x m I).
      assert (G : y + n <= x). { clear - O I. revert O I. generalize (y + n). induction rest as [|[z k] r IH]; intros lo O I; [contradiction|].
        destruct O as (O1 & O2 & O3). destruct I as [E|I]; [injection E as -> ->; trivial|]. specialize (IH _ O3 I). lia. }
      replace (Z.to_nat (x - lo)) with (Z.to_nat (y - lo) + (Z.to_nat n + Z.to_nat (x - (y + n))))%nat by lia.
      rewrite !count_add. rewrite (count_const q false) by (intros; apply Q0; lia).
      rewrite (count_const q true).
      * rewrite (count_ext q (occupied rest)); [|intros z Hz; unfold q; simpl; replace (z <? y + n) with false by (symmetry; apply Z.ltb_ge; lia); now rewrite andb_false_r].
        rewrite !Z2Nat.id by lia. replace (lo + (y - lo) + n) with (y + n) by lia. lia.
      * intros z Hz. unfold q. simpl. rewrite !Z2Nat.id in Hz by lia.
        replace ((y <=? z) && (z <? y + n)) with true by (symmetry; apply andb_true_iff; rewrite Z.leb_le, Z.ltb_lt; lia). reflexivity.
Qed.
